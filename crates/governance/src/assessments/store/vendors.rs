//! What of a vendor its assessments stand on, and which vendors are to be looked at.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::assessments::Basis;
use base::{db::Lock, error::Error};

/// What a conclusion on a vendor would stand on now. Proposed integrations count once they are submitted.
pub async fn basis(conn: &mut PgConnection, vendor: Uuid) -> Result<Basis, Error> {
    let row = sqlx::query!(
        r#"select v.country, v.locations,
               array(select p.name from vendor_sub_processors p where p.vendor_id = v.id order by 1) as "sub_processors!",
               array(select distinct c.key from apis a join integrations i on i.api_id = a.id
                     join data_flows f on f.integration_id = i.id join data_classes c on c.id = f.data_class_id
                     where a.vendor_id = v.id and (i.state in ('active', 'suspended', 'deprecated')
                         or exists (select from change_requests r where r.integration_id = i.id
                                    and r.state in ('open', 'approved'))) order by 1) as "data_classes!"
           from vendors v where v.id = $1"#,
        vendor
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("vendor"))?;
    Ok(Basis {
        country: row.country,
        locations: row.locations,
        sub_processors: row.sub_processors,
        data_classes: row.data_classes,
    })
}

/// The integrations of a vendor for which questionnaires are chosen.
pub async fn integrations(conn: &mut PgConnection, vendor: Uuid) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select i.id from apis a join integrations i on i.api_id = a.id
         where a.vendor_id = $1 and (i.state in ('active', 'suspended', 'deprecated')
             or exists (select from change_requests r where r.integration_id = i.id and r.state in ('open', 'approved')))
         order by i.id limit 2000",
        vendor
    );
    Ok(ids.fetch_all(conn).await?)
}

/// What was taken from the queue.
pub struct Taken {
    /// Entries of the queue; none where nothing waits.
    pub entries: i64,
    /// The vendors among them that have integrations or assessments, each once: with the others nothing can follow.
    pub vendors: Vec<Uuid>,
}

/// Takes the next entries with all others of the same vendors, but for the vendors in `skip`. They leave the queue
/// with the transaction.
pub async fn take(conn: &mut PgConnection, most: i64, skip: &[Uuid]) -> Result<Taken, Error> {
    let taken = sqlx::query!(
        r#"with taken as (delete from assessments_due where id in
               (select id from assessments_due where vendor_id in
                    (select vendor_id from assessments_due where vendor_id <> all($2) order by id limit $1)
                for update skip locked) returning vendor_id)
           select count(*) as "entries!",
               coalesce(array_agg(distinct t.vendor_id) filter (where
                   exists (select from apis a join integrations i on i.api_id = a.id where a.vendor_id = t.vendor_id)
                   or exists (select from assessments s where s.vendor_id = t.vendor_id)), '{}') as "vendors!"
           from taken t"#,
        most,
        skip
    );
    let taken = taken.fetch_one(conn).await?;
    Ok(Taken { entries: taken.entries, vendors: taken.vendors })
}

/// Puts vendors back into the queue: their follow-up failed, or has to wait.
pub async fn put_back(conn: &mut PgConnection, vendors: &[Uuid]) -> Result<(), Error> {
    sqlx::query!("insert into assessments_due (vendor_id) select unnest($1::uuid[])", vendors).execute(conn).await?;
    Ok(())
}

/// Whether any vendor waits, but for those in `skip`.
pub async fn any_due(conn: &mut PgConnection, skip: &[Uuid]) -> Result<bool, Error> {
    let any = sqlx::query_scalar!(
        r#"select exists (select from assessments_due where vendor_id <> all($1)) as "any!""#,
        skip
    );
    Ok(any.fetch_one(conn).await?)
}

/// Every vendor that something of ours uses or that was assessed is to be looked at: a new day began.
pub async fn all_due(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!(
        "insert into assessments_due (vendor_id)
         select distinct a.vendor_id from apis a where exists (select from integrations i where i.api_id = a.id)
         union select distinct vendor_id from assessments"
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes turns on a vendor with whoever else looks at it.
pub async fn lock_turn(conn: &mut PgConnection, vendor: Uuid) -> Result<(), Error> {
    Lock::Vendor(vendor).take(conn).await
}

/// Whether a day begins with this call; once for each.
pub async fn begin_day(conn: &mut PgConnection, today: chrono::NaiveDate) -> Result<bool, Error> {
    let done =
        sqlx::query!("update installation set assessed_on = $1 where assessed_on is null or assessed_on < $1", today);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}
