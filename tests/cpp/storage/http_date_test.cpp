#include "storage/http_date.h"

#include <gtest/gtest.h>

namespace eventlens {
namespace {

TEST(HttpDate, WritesWhatItReads) {
    // The example of RFC 9110, a leap day, the first second, and one before it.
    const std::pair<std::int64_t, const char*> times[] = {{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
                                                          {1709164799, "Wed, 28 Feb 2024 23:59:59 GMT"},
                                                          {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
                                                          {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
                                                          {-1, "Wed, 31 Dec 1969 23:59:59 GMT"}};
    for (const auto& [seconds, text] : times) {
        EXPECT_EQ(http_date(seconds), text);
        EXPECT_EQ(parse_http_date(text), seconds) << text;
    }
    EXPECT_EQ(iso_time(1709164800), "2024-02-29T00:00:00Z");
    EXPECT_EQ(iso_time(784111777), "1994-11-06T08:49:37Z");
}

TEST(HttpDate, RefusesWhatIsNoTime) {
    for (const char* text :
         {"", "Sun, 06 Nov 1994 08:49:37", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
          "Sun, 06 Nov 1994 08:60:37 GMT", "Fri, 30 Feb 2024 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
          "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "1994-11-06T08:49:37Z"})
        EXPECT_FALSE(parse_http_date(text)) << text;
}

}  // namespace
}  // namespace eventlens
