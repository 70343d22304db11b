//! Moves assessments, demands for them, and evidence from one vendor to another.

use sqlx::PgConnection;
use uuid::Uuid;

use base::{db::references::Reference, error::Error};

/// The vendor that is assessed.
pub const ASSESSED: Reference = Reference { table: "assessments", column: "vendor_id" };
/// The vendor that is to be assessed.
pub const DEMANDED: Reference = Reference { table: "assessment_demands", column: "vendor_id" };
/// The vendor that evidence is of.
pub const EVIDENCED: Reference = Reference { table: "evidence", column: "vendor_id" };

/// Titles of questionnaires that both vendors are being asked.
pub async fn both_under_way(conn: &mut PgConnection, ids: &[Uuid], vendor: Uuid) -> Result<Vec<String>, Error> {
    let titles = sqlx::query_scalar!(
        "select distinct q.title from assessments s join assessments o on o.vendor_id = $2
             and o.questionnaire_id = s.questionnaire_id and o.integration_id is not distinct from s.integration_id
             and o.state in ('draft', 'sent', 'answering', 'submitted', 'reviewed')
         join publications q on q.id = s.questionnaire_id
         where s.id = any($1) and s.state in ('draft', 'sent', 'answering', 'submitted', 'reviewed') order by 1",
        ids,
        vendor
    );
    Ok(titles.fetch_all(conn).await?)
}

/// The demands on a vendor, apart from those that the other vendor has as well.
pub async fn demands_of(
    conn: &mut PgConnection,
    (from, to): (Uuid, Uuid),
    only: Option<&[Uuid]>,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select d.id from assessment_demands d where d.vendor_id = $1 and ($3::uuid[] is null or d.id = any($3))
             and not exists (select from assessment_demands o where o.vendor_id = $2
                 and o.questionnaire_id = d.questionnaire_id and o.cause = d.cause and o.reference = d.reference
                 and o.after_id is not distinct from d.after_id)
         order by d.id for update",
        from,
        to,
        only as Option<&[Uuid]>
    );
    Ok(ids.fetch_all(conn).await?)
}
