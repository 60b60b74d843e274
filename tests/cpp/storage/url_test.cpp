#include "storage/url.h"

#include <gtest/gtest.h>

#include "eventlens/error.h"

namespace eventlens {
namespace {

TEST(Url, EncodesAnyBytesAndDecodesThem) {
    std::string all;
    for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
    const std::string encoded = percent_encoded(all);
    for (const char c : encoded) EXPECT_TRUE(c > ' ' && c < 127);
    EXPECT_EQ(percent_decoded(encoded), all);
    EXPECT_EQ(percent_encoded("a b/c+%~", "/"), "a%20b/c%2B%25~");
    EXPECT_EQ(percent_decoded("%c3%A9+"), "\xC3\xA9+");
    for (const char* broken : {"%", "%4", "%4g", "a%%41", "%00"})
        EXPECT_THROW(percent_decoded(broken), Error) << broken;
}

TEST(Url, ReadsAndWritesQueries) {
    const Query query = parse_query("region=auto&endpoint=http%3A%2F%2Fhost%3A9&&flag");
    EXPECT_EQ(query, (Query{{"region", "auto"}, {"endpoint", "http://host:9"}, {"flag", ""}}));
    EXPECT_EQ(query_text(query), "endpoint=http://host:9&flag=&region=auto");
    EXPECT_EQ(parse_query(query_text(query)), query);
    EXPECT_THROW(parse_query("a=1&a=2"), Error);
}

TEST(Url, TakesLocationsApart) {
    const Location location = parse_location("s3://bucket/day 1/%C3%A9/?region=a%20b");
    EXPECT_EQ(location.scheme, "s3");
    EXPECT_EQ(location.authority, "bucket");
    EXPECT_EQ(location.path, "/day 1/\xC3\xA9/");
    EXPECT_EQ(location.query, (Query{{"region", "a b"}}));
    EXPECT_EQ(parse_location("s3://bucket?a=b").path, "");
    EXPECT_EQ(parse_location("s3://bucket//x").path, "//x");
    EXPECT_EQ(parse_location("/photos/50%?.jpg").path, "/photos/50%?.jpg");
    EXPECT_EQ(parse_location("odd/s3://x").scheme, "");
}

TEST(Url, NamesTheLocationThatIsBrokenWithoutItsQuery) {
    try {
        parse_location("s3://bucket/?sig=secret&sig=secret");
        FAIL() << "two parameters of one name were accepted";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "cannot open s3://bucket/: the parameter sig is given twice");
    }
}

TEST(Url, RefusesCredentialsWithoutRepeatingThem) {
    for (const char* location :
         {"s3://AKEY:secret@bucket/", "s3://AKEY:sec/ret@bucket/", "s3://secret@bucket/%"}) {
        try {
            parse_location(location);
            FAIL() << location << " was accepted";
        } catch (const Error& error) {
            EXPECT_STREQ(error.what(), "cannot open s3://...: credentials do not belong into a location");
        }
    }
}

}  // namespace
}  // namespace eventlens
