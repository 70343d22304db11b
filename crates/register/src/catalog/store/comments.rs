//! Comments.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::catalog::Comment;
use base::error::Error;

pub async fn on(conn: &mut PgConnection, kind: &str, id: Uuid) -> Result<Vec<Comment>, Error> {
    let rows = sqlx::query_as!(
        Comment,
        r#"select c.id, c.subject_kind, c.subject_id, c.author_id, p.name as "author_name?",
                  case when c.state = 'shown' then c.body else '' end as "body!", c.state, c.revision, c.created_at
           from comments c left join people p on p.id = c.author_id
           where c.subject_kind = $1 and c.subject_id = $2 order by c.created_at, c.id limit 500"#,
        kind,
        id
    );
    Ok(rows.fetch_all(conn).await?)
}

pub async fn get_many(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Comment>, Error> {
    let rows = sqlx::query_as!(
        Comment,
        r#"select c.id, c.subject_kind, c.subject_id, c.author_id, null::text as author_name, c.body, c.state,
                  c.revision, c.created_at
           from comments c where c.id = any($1)"#,
        ids
    );
    Ok(rows.fetch_all(conn).await?)
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Comment>, Error> {
    let row = sqlx::query_as!(
        Comment,
        r#"select c.id, c.subject_kind, c.subject_id, c.author_id, null::text as author_name, c.body, c.state,
                  c.revision, c.created_at
           from comments c where c.id = $1 for update"#,
        id
    );
    Ok(row.fetch_optional(conn).await?)
}

pub async fn insert(conn: &mut PgConnection, comment: &Comment) -> Result<(), Error> {
    sqlx::query!(
        "insert into comments (id, subject_kind, subject_id, author_id, body, state, revision, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        comment.id,
        comment.subject_kind,
        comment.subject_id,
        comment.author_id,
        comment.body,
        comment.state,
        comment.revision,
        comment.created_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn withdraw(conn: &mut PgConnection, comment: &Comment) -> Result<(), Error> {
    sqlx::query!(
        "update comments set state = 'withdrawn', revision = $2 where id = $1 and state = 'shown'",
        comment.id,
        comment.revision
    )
    .execute(conn)
    .await?;
    Ok(())
}
