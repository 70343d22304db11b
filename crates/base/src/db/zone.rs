//! The organisation's time zone, as the settings publish it.

use sqlx::PgConnection;

use crate::error::Error;

/// The time zone.
pub async fn time_zone(conn: &mut PgConnection) -> Result<chrono_tz::Tz, Error> {
    let name =
        sqlx::query_scalar!(r#"select time_zone as "zone!" from organisation_time_zone"#).fetch_one(conn).await?;
    name.parse().map_err(|_| Error::internal("an unknown time zone in the settings"))
}
