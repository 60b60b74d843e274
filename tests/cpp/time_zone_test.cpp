#include "base/time_zone.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/uuid.h"
#include "eventlens/error.h"

namespace eventlens {
namespace {

// Milliseconds of a date and time read as UTC.
std::int64_t at(int year, unsigned month, unsigned day, int hour, int minute, int second = 0) {
    using namespace std::chrono;
    const sys_days date = std::chrono::year(year) / month / day;
    return duration_cast<milliseconds>(
               (date + hours(hour) + minutes(minute) + seconds(second)).time_since_epoch())
        .count();
}

TEST(TimeZone, KnowsSummerAndWinter) {
    const TimeZone berlin = TimeZone::named("Europe/Berlin");
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 7, 1, 12, 0)), at(2026, 7, 1, 10, 0));
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 1, 1, 12, 0)), at(2026, 1, 1, 11, 0));
    EXPECT_EQ(TimeZone::named("UTC").to_utc_milliseconds(at(2026, 7, 1, 12, 0)), at(2026, 7, 1, 12, 0));
    EXPECT_EQ(TimeZone::named("Asia/Kathmandu").to_utc_milliseconds(at(2026, 7, 1, 12, 0)),
              at(2026, 7, 1, 6, 15));
    // Beyond the years that the database lists one by one, its rule for the years to come holds.
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2060, 7, 1, 12, 0)), at(2060, 7, 1, 10, 0));
}

TEST(TimeZone, ReadsASkippedTimeOnTheClockThatWasNotSetYet) {
    const TimeZone berlin = TimeZone::named("Europe/Berlin");  // 2026-03-29: 02:00 becomes 03:00
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 3, 29, 1, 59, 59)), at(2026, 3, 29, 0, 59, 59));
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 3, 29, 2, 30)), at(2026, 3, 29, 1, 30));
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 3, 29, 3, 0)), at(2026, 3, 29, 1, 0));
}

TEST(TimeZone, TakesTheFirstOfTwoEqualTimes) {
    const TimeZone berlin = TimeZone::named("Europe/Berlin");  // 2026-10-25: 03:00 becomes 02:00
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 10, 25, 1, 59)), at(2026, 10, 24, 23, 59));
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 10, 25, 2, 30)), at(2026, 10, 25, 0, 30));
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 10, 25, 3, 0)), at(2026, 10, 25, 2, 0));
}

TEST(TimeZone, KeepsMillisecondsAlsoBefore1970) {
    const TimeZone berlin = TimeZone::named("Europe/Berlin");
    EXPECT_EQ(berlin.to_utc_milliseconds(at(2026, 7, 1, 12, 0) + 7), at(2026, 7, 1, 10, 0) + 7);
    EXPECT_EQ(TimeZone::named("UTC").to_utc_milliseconds(-1), -1);
}

TEST(TimeZone, RefusesWhatTheDatabaseDoesNotName) {
    for (const char* name : {"", "Europe/Nowhere", "Europe", "../etc/passwd", "/usr/share/zoneinfo/UTC",
                             "localtime", "Fixed/UTC+01:00:00", "Europe/Berlin\n", "CET CEST"}) {
        EXPECT_THROW(TimeZone::named(name), Error) << name;
    }
}

TEST(Uuid, IsRandomVersionFourAndComesBackFromItsText) {
    const Uuid uuid = make_uuid();
    const std::string text = uuid_text(uuid);
    ASSERT_EQ(text.size(), 36U);
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
    EXPECT_EQ(parse_uuid(text), uuid);
    EXPECT_NE(make_uuid(), uuid);
}

TEST(Uuid, IsReadInEitherCaseAndNothingElseIs) {
    const auto upper = parse_uuid("0F6D2C1E-7A55-4C0B-9B1E-5F0F4A3E9D10");
    ASSERT_TRUE(upper);
    EXPECT_EQ(uuid_text(*upper), "0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10");
    for (std::string_view text :
         {"", "0f6d2c1e7a554c0b9b1e5f0f4a3e9d10", "0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d1g",
          "0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d100", "{0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10}"}) {
        EXPECT_FALSE(parse_uuid(text)) << text;
    }
    EXPECT_FALSE(parse_uuid(std::string_view("0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d1\0", 36)));
}

}  // namespace
}  // namespace eventlens
