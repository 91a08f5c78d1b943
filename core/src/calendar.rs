//! Days, weekdays and the span of a counter file: pure functions of numbers, no clock.
//!
//! The span rule is section 6 of the format document: a file begins today and ends on the next day,
//! strictly later, that has the weekday on which weeks end.

use core::fmt;

/// Seconds of a day.
pub const DAY_SECONDS: i64 = 86_400;

/// A day of the proleptic Gregorian calendar in UTC, from year 1 to year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Days since 1970-01-01. Invariant: `FIRST..=LAST`.
    since_epoch: i32,
}

/// A day of the week; 0 is Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekday(u8);

impl Weekday {
    /// The weekday with a number from 0 (Sunday) to 6 (Saturday).
    #[must_use]
    pub const fn new(number: u8) -> Option<Weekday> {
        if number < 7 { Some(Weekday(number)) } else { None }
    }

    /// The number, `0..7`.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Day {
    /// 0001-01-01.
    pub const FIRST: Day = Day { since_epoch: -719_162 };
    /// 9999-12-31.
    pub const LAST: Day = Day { since_epoch: 2_932_896 };

    /// The day that holds a time in seconds since 1970-01-01T00:00:00Z; `None` outside the years
    /// 1 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Option<Day> {
        Day::from_days(seconds.div_euclid(DAY_SECONDS))
    }

    const fn from_days(days: i64) -> Option<Day> {
        if days >= Day::FIRST.since_epoch as i64 && days <= Day::LAST.since_epoch as i64 {
            Some(Day { since_epoch: days as i32 })
        } else {
            None
        }
    }

    /// The day with this civil date; `None` if there is no such date in the years 1 to 9999.
    #[must_use]
    pub const fn from_civil(year: i32, month: u8, day: u8) -> Option<Day> {
        if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        // Years are counted from March, so that the leap day is the last day of a year.
        let year = year as i64 - (month <= 2) as i64;
        let month = (month as i64 + 9) % 12;
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * month + 2) / 5 + day as i64 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Day::from_days(era * 146_097 + day_of_era - 719_468)
    }

    /// Year, month (1 to 12) and day of the month.
    #[must_use]
    pub const fn civil(self) -> (i32, u8, u8) {
        let days = self.since_epoch as i64 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u8;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u8;
        let year = year_of_era + era * 400 + (month <= 2) as i64;
        (year as i32, month, day)
    }

    /// The day `YYYY-MM-DD`; `None` if the text is not such a date.
    #[must_use]
    pub fn parse(text: &str) -> Option<Day> {
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |sum: i32, &digit| {
                digit.is_ascii_digit().then(|| sum * 10 + i32::from(digit - b'0'))
            })
        };
        Day::from_civil(number(&[y1, y2, y3, y4])?, number(&[m1, m2])? as u8, number(&[d1, d2])? as u8)
    }

    /// Seconds from 1970-01-01T00:00:00Z to the start of the day.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.since_epoch as i64 * DAY_SECONDS
    }

    /// The day of the week.
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        Weekday((self.since_epoch + 4).rem_euclid(7) as u8)
    }

    /// The end of a file that begins on this day: the next day, strictly later, with weekday
    /// `week_end` (1 to 7 days later). `None` past the year 9999.
    #[must_use]
    pub const fn span_end(self, week_end: Weekday) -> Option<Day> {
        let ahead = (week_end.0 as i32 - self.weekday().0 as i32 - 1).rem_euclid(7) + 1;
        Day::from_days(self.since_epoch as i64 + ahead as i64)
    }
}

const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn spans_match_the_vectors_of_the_format() {
        let wednesday = Weekday::new(3).unwrap();
        for (begin, end) in [
            ("2026-01-05", "2026-01-07"),
            ("2026-01-06", "2026-01-07"),
            ("2026-01-07", "2026-01-14"),
            ("2026-01-08", "2026-01-14"),
        ] {
            assert_eq!(day(begin).span_end(wednesday), Some(day(end)), "{begin}");
        }
        assert_eq!(Day::LAST.span_end(wednesday), None);
    }

    /// Method: every day of the calendar, counted on from the first with the lengths of months.
    #[test]
    #[cfg_attr(miri, ignore = "millions of steps of plain arithmetic")]
    fn every_day_converts_both_ways_and_every_span_ends_in_a_week() {
        let (mut year, mut month, mut dom) = (1, 1, 1);
        let mut at = Day::FIRST.since_epoch;
        while at <= Day::LAST.since_epoch {
            let day = Day { since_epoch: at };
            assert_eq!(day.civil(), (year, month, dom));
            assert_eq!(Day::from_civil(year, month, dom), Some(day));
            if at <= Day::LAST.since_epoch - 7 {
                for number in 0..7 {
                    let end = day.span_end(Weekday(number)).unwrap();
                    assert_eq!(end.weekday(), Weekday(number));
                    assert!((1..=7).contains(&(end.since_epoch - at)));
                }
            }
            (dom, at) = (dom + 1, at + 1);
            if dom > days_in_month(year, month) {
                (month, dom) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, dom), (10_000, 1, 1));
    }

    #[test]
    fn text_that_is_no_date_is_refused() {
        for text in ["", "2026-1-05", "2026-02-30", "2025-02-29", "0000-01-01", "2026-13-01", "2026-01-0x"] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert_eq!(day("2024-02-29").to_string(), "2024-02-29");
        assert_eq!(Day::from_unix(-1), Day::from_civil(1969, 12, 31));
        assert_eq!(Day::from_unix(i64::MAX), None);
    }
}
