//! Charts drawn on the server, each with a table for screen readers.

use askama::{Template, filters::HtmlSafe};
use chrono::{Days, NaiveDate};

/// One week of the year strip.
#[derive(Debug)]
pub struct Week {
    pub x: i64,
    pub class: &'static str,
    pub href: String,
    pub title: String,
    pub count: i64,
}

/// Rotations in each of the next 53 weeks.
#[derive(Debug, Template)]
#[template(path = "charts/year.html")]
pub struct YearStrip {
    pub weeks: Vec<Week>,
    pub overdue: i64,
    pub busiest: Option<String>,
}

impl YearStrip {
    /// From counts by week; -1 counts what is overdue.
    pub fn new(counts: &[(i32, i64)], today: NaiveDate) -> Self {
        let of = |week: i32| counts.iter().find(|(n, _)| *n == week).map_or(0, |(_, count)| *count);
        let overdue = of(-1);
        let mut weeks = Vec::new();
        for week in 0..53_i32 {
            let from = today.checked_add_days(Days::new(u64::try_from(week).unwrap_or(0) * 7)).unwrap_or(today);
            let until = from.checked_add_days(Days::new(7)).unwrap_or(from);
            let count = of(week);
            let class = match count {
                0 => "w0",
                1 => "w1",
                2..=3 => "w2",
                _ => "w3",
            };
            weeks.push(Week {
                x: i64::from(week) * 14,
                class,
                href: format!("/credentials?rotation_from={from}&rotation_before={until}&sort=next_rotation_on"),
                title: format!("Week of {}: {count}", from.format("%-d %b %Y")),
                count,
            });
        }
        let busiest = weeks.iter().max_by_key(|week| (week.count, -week.x)).filter(|week| week.count > 1);
        let busiest = busiest.map(|week| week.title.replacen("Week", "week", 1));
        Self { weeks, overdue, busiest }
    }
}

// Its template escapes what it is given.
impl HtmlSafe for YearStrip {}

/// A bar of a column chart.
#[derive(Debug)]
pub struct Bar {
    pub label: String,
    pub value: String,
    pub x: i64,
    pub y: i64,
    pub height: i64,
}

/// A few columns with their values.
#[derive(Debug, Template)]
#[template(path = "charts/bars.html")]
pub struct Bars {
    pub title: &'static str,
    pub unit: &'static str,
    pub bars: Vec<Bar>,
    pub width: i64,
}

impl Bars {
    /// Columns of values from 0 up, drawn 60 high.
    pub fn new(title: &'static str, unit: &'static str, values: &[(String, f64)]) -> Self {
        let most = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let bar = |(n, (label, value)): (i64, &(String, f64))| {
            // Pixels, within 0 and 60.
            #[allow(clippy::cast_possible_truncation, reason = "at most 60")]
            let height = if most > 0.0 { (value / most * 60.0).round() as i64 } else { 0 };
            Bar { label: label.clone(), value: format!("{value:.1}"), x: n * 36, y: 60 - height, height }
        };
        let bars: Vec<Bar> = (0..).zip(values).map(bar).collect();
        let width = 36 * i64::try_from(bars.len().max(1)).unwrap_or(1);
        Self { title, unit, bars, width }
    }
}

// As above.
impl HtmlSafe for Bars {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_week_is_named_and_overdue_ones_stand_apart() {
        let today = "2027-03-01".parse().expect("a date");
        let strip = YearStrip::new(&[(-1, 2), (1, 7), (9, 3)], today);
        assert_eq!((strip.overdue, strip.weeks.len()), (2, 53));
        assert_eq!(strip.busiest.as_deref(), Some("week of 8 Mar 2027: 7"));
        assert!(strip.render().expect("HTML").contains("rotation_from=2027-03-08"));
    }
}
