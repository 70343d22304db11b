//! When a credential has to change: maximum ages and dates.

use chrono::{Days, Months, NaiveDate};

use base::error::Error;

/// How old a credential may become: an ISO 8601 duration of one unit, such as `P90D`, `P6M`, `P1Y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaximumAge {
    /// Days; weeks are seven of them.
    Days(u32),
    /// Calendar months; years are twelve of them.
    Months(u32),
}

impl std::str::FromStr for MaximumAge {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::field("/maximum_age", "Give an ISO 8601 duration of one unit, such as P90D, P6M or P1Y.");
        let body = text.strip_prefix('P').ok_or_else(wrong)?;
        let unit = body.chars().last().ok_or_else(wrong)?;
        let digits = &body[..body.len() - unit.len_utf8()];
        if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let n: u32 = digits.parse().map_err(|_| wrong())?;
        if n == 0 {
            return Err(Error::field("/maximum_age", "An age of nothing cannot be kept."));
        }
        let age = match unit {
            'D' => Ok(Self::Days(n)),
            'W' => Ok(Self::Days(n * 7)),
            'M' => Ok(Self::Months(n)),
            'Y' => Ok(Self::Months(n * 12)),
            _ => Err(wrong()),
        }?;
        let longest = matches!(age, Self::Days(days) if days > 36_525) || matches!(age, Self::Months(n) if n > 1200);
        if longest {
            return Err(Error::field("/maximum_age", "Give at most 100 years."));
        }
        Ok(age)
    }
}

impl MaximumAge {
    /// The day on which something of that day reaches the age. A month later than the last day of
    /// a month is the last day of the next where that one is shorter. At most a hundred years later.
    pub fn after(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Days(days) => day.checked_add_days(Days::new(days.into())),
            Self::Months(months) => day.checked_add_months(Months::new(months)),
        }
    }
}

/// The day by which it has to change: when it reaches its maximum age, or when the vendor ends it,
/// whichever comes first.
pub fn next_rotation(
    since: Option<NaiveDate>,
    maximum: Option<MaximumAge>,
    expires: Option<NaiveDate>,
) -> Option<NaiveDate> {
    let aged = since.zip(maximum).and_then(|(since, maximum)| maximum.after(since));
    aged.into_iter().chain(expires).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn month_ends_and_leap_years() {
        let cases = [
            ("2027-01-31", "P1M", "2027-02-28"),
            ("2028-01-31", "P1M", "2028-02-29"),
            ("2028-02-29", "P1Y", "2029-02-28"),
            ("2024-02-29", "P4Y", "2028-02-29"),
            ("2027-08-31", "P6M", "2028-02-29"),
            ("2027-12-31", "P90D", "2028-03-30"),
            ("2027-02-27", "P2D", "2027-03-01"),
            ("2028-02-27", "P2D", "2028-02-29"),
            ("2027-03-01", "P2W", "2027-03-15"),
        ];
        for (since, age, due) in cases {
            let age = age.parse::<MaximumAge>().expect("an age");
            assert_eq!(age.after(day(since)), Some(day(due)), "{since} {age:?}");
        }
    }

    #[test]
    fn the_earlier_of_age_and_expiry_counts() {
        let age = "P1Y".parse().ok();
        let (since, expiry) = (Some(day("2027-01-01")), Some(day("2027-06-30")));
        assert_eq!(next_rotation(since, age, expiry), expiry);
        assert_eq!(next_rotation(since, age, None), Some(day("2028-01-01")));
        assert_eq!(next_rotation(None, age, None), None);
    }

    #[test]
    fn other_durations_are_refused() {
        for text in [
            "", "P", "90", "P1H", "PT5M", "P-1D", "P0D", "P1Y6M", "P99999D", "P1€", "P9999Y", "P101Y", "P1201M",
            "P5218W",
        ] {
            assert!(text.parse::<MaximumAge>().is_err(), "{text}");
        }
    }
}
