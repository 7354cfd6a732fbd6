use std::fmt;

const SECS_PER_DAY: i64 = 86_400;

/// Unix time in seconds, displayed as `2026-08-01 12:00 UTC`.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeText(pub(super) i64);

impl fmt::Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(SECS_PER_DAY));
        let minutes = self.0.rem_euclid(SECS_PER_DAY) / 60;
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
    }
}

/// Year, month and day of the Gregorian calendar from days since 1970-01-01, by eras of 400 years
/// that begin on a 1 March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_read_them() {
        #[track_caller]
        fn check(secs: i64, expected: &str) {
            assert_eq!(TimeText(secs).to_string(), expected);
        }

        check(0, "1970-01-01 00:00 UTC");
        check(-1, "1969-12-31 23:59 UTC");
        check(951_826_500, "2000-02-29 12:15 UTC");
        check(1_785_585_659, "2026-08-01 12:00 UTC");
        check(4_107_542_399, "2100-02-28 23:59 UTC");
        check(4_107_542_400, "2100-03-01 00:00 UTC");
    }
}
