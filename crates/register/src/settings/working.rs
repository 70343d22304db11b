//! Working hours: when a number of them is over, where the organisation is.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::SettingsContent;

/// The moment at which so many working hours have passed since `from`. Hours that the clock skips or
/// repeats count as they pass.
pub fn due(settings: &SettingsContent, from: DateTime<Utc>, hours: i32) -> DateTime<Utc> {
    let zone: Tz = settings.time_zone.parse().unwrap_or(Tz::UTC);
    let mut left = TimeDelta::hours(i64::from(hours.max(0)));
    let mut day = from.with_timezone(&zone).date_naive();
    let at = |moment: NaiveDateTime| match zone.from_local_datetime(&moment) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
        // Skipped by the clock: an hour on it is there.
        LocalResult::None => zone
            .from_local_datetime(&(moment + TimeDelta::hours(1)))
            .earliest()
            .map_or(moment.and_utc(), |at| at.with_timezone(&Utc)),
    };
    // Two thousand hours of at least a minute a working day end within this.
    for _ in 0..200_000 {
        let number = i16::try_from(day.weekday().number_from_monday()).unwrap_or_default();
        if settings.working_days.contains(&number) {
            let begin = at(day.and_time(settings.working_from)).max(from);
            let end = at(day.and_time(settings.working_until));
            if begin < end {
                if end - begin >= left {
                    return begin + left;
                }
                left -= end - begin;
            }
        }
        day = day.checked_add_days(Days::new(1)).unwrap_or(day);
    }
    from + TimeDelta::hours(i64::from(hours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(zone: &str) -> SettingsContent {
        SettingsContent {
            organisation: "Acme".into(),
            time_zone: zone.into(),
            working_days: vec![1, 2, 3, 4, 5],
            working_from: "09:00:00".parse().expect("a time"),
            working_until: "17:00:00".parse().expect("a time"),
            session_idle_minutes: 30,
            session_absolute_minutes: 720,
            approval_group: None,
            exception_days_critical: 30,
            exception_days_high: 90,
            exception_days_medium: 180,
            exception_days_low: 365,
            ownership_days: 90,
            local_accounts: crate::settings::LocalAccounts::Open,
            strong_for: Vec::new(),
        }
    }

    #[test]
    fn nights_and_weekends_do_not_count() {
        let due = |from: &str, hours| {
            super::due(&settings("Europe/Berlin"), from.parse().expect("a moment"), hours).to_rfc3339()
        };
        // Friday at 16:00 in Berlin: one hour that day, three on Monday.
        assert_eq!(due("2027-01-15T15:00:00Z", 4), "2027-01-18T11:00:00+00:00");
        assert_eq!(due("2027-01-15T15:00:00Z", 1), "2027-01-15T16:00:00+00:00");
        // Saturday; two whole days.
        assert_eq!(due("2027-01-16T10:00:00Z", 16), "2027-01-19T16:00:00+00:00");
        // Over the night on which summer time begins.
        assert_eq!(due("2027-03-26T15:00:00Z", 2), "2027-03-29T08:00:00+00:00");
        assert_eq!(due("2027-03-26T07:00:00Z", 0), "2027-03-26T08:00:00+00:00");
    }
}
