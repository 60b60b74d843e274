#include "storage/s3_xml.h"

#include <gtest/gtest.h>

namespace eventlens::s3 {
namespace {

const std::string page_text = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>photos</Name><EncodingType>url</EncodingType>
<IsTruncated>true</IsTruncated><NextContinuationToken>1/a+b==</NextContinuationToken>
<Contents><Key>a+b%2Bc%25/%C3%A9%0A.jpg</Key><LastModified>2026-11-22T09:30:00.250Z</LastModified>
<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>123</Size><StorageClass>STANDARD</StorageClass></Contents>
<Contents><Key>film.mp4</Key><LastModified>1970-01-01T00:00:01Z</LastModified>
<ETag>"d41d8cd98f00b204e9800998ecf8427e-12"</ETag><Size>5000000000</Size></Contents>
<Contents><Key>odd</Key><LastModified>1970-01-01T00:00:01Z</LastModified><ETag>"0x8DCAFE"</ETag><Size>0</Size></Contents>
</ListBucketResult>)";

TEST(S3Xml, ReadsAPage) {
    const auto page = parse_page(page_text);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->next, "1/a+b==");
    ASSERT_EQ(page->objects.size(), 3u);
    const StoredObject& photo = page->objects[0];
    EXPECT_EQ(photo.key, "a b+c%/\xC3\xA9\n.jpg");
    EXPECT_EQ(photo.size, 123);
    EXPECT_EQ(photo.modified, 1795339800'250'000'000);
    EXPECT_EQ(photo.etag, "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_TRUE(photo.etag_is_content);
    EXPECT_EQ(page->objects[1].size, 5'000'000'000);
    EXPECT_TRUE(page->objects[1].etag_is_content);
    EXPECT_FALSE(page->objects[2].etag_is_content);
}

// Servers that encode nothing do not say so.
TEST(S3Xml, TakesPlainKeysAsTheyAre) {
    std::string text = page_text;
    text.erase(text.find("<EncodingType>"), std::string("<EncodingType>url</EncodingType>").size());
    EXPECT_EQ(parse_page(text)->objects[0].key, "a+b%2Bc%25/%C3%A9%0A.jpg");
}

// Property: every proper prefix of a page is no page, never fewer objects.
TEST(S3Xml, RejectsEveryTruncation) {
    for (std::size_t length = 0; length < page_text.size(); ++length)
        EXPECT_FALSE(parse_page(page_text.substr(0, length))) << "length " << length;
}

TEST(S3Xml, RejectsWhatIsNoPage) {
    const auto with = [](const std::string& from, const std::string& to) {
        std::string text = page_text;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    EXPECT_FALSE(parse_page("<html><body>Sign in to the hotel's network</body></html>"));
    EXPECT_FALSE(parse_page("<Error><Code>SlowDown</Code></Error>"));
    EXPECT_FALSE(parse_page(with("<Size>123</Size>", "")));
    EXPECT_FALSE(parse_page(with("<Size>123</Size>", "<Size>-1</Size>")));
    EXPECT_FALSE(parse_page(with("<Size>123</Size>", "<Size>99999999999999999999</Size>")));
    EXPECT_FALSE(parse_page(with("a+b%2Bc", "a%2")));
    EXPECT_FALSE(parse_page(with("a+b%2Bc", "a%00")));
    EXPECT_FALSE(parse_page(with("2026-11-22", "2026-13-22")));
    EXPECT_FALSE(parse_page(with("1/a+b==", "")));  // more to come, and no way to ask for it
}

TEST(S3Xml, ExpandsNoEntities) {
    const std::string bomb =
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY f SYSTEM "
        "\"file:///etc/passwd\">]>"
        "<Error><Code>A&b;B</Code><Message>&f;</Message></Error>";
    const Problem problem = parse_problem(bomb);
    EXPECT_EQ(problem.code, "AbB");
    EXPECT_EQ(problem.message, "&f;");
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    EXPECT_FALSE(parse_page(deep));
}

TEST(S3Xml, ReadsErrors) {
    const Problem problem = parse_problem(
        "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region\nis wrong</Message>"
        "<Region>eu-west-1</Region></Error>");
    EXPECT_EQ(problem.code, "AuthorizationHeaderMalformed");
    EXPECT_EQ(problem.message, "the region is wrong");
    EXPECT_EQ(problem.region, "eu-west-1");
    EXPECT_EQ(parse_problem("").code, "");
    EXPECT_EQ(parse_problem("not found").code, "");
    EXPECT_LE(
        parse_problem("<Error><Message>" + std::string(9999, 'x') + "</Message></Error>").message.size(),
        300u);
}

TEST(S3Xml, ReadsTimes) {
    EXPECT_EQ(parse_iso_time("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(parse_iso_time("2024-02-29T23:59:59.123456789Z"), 1709251199'123'456'789);
    for (const char* broken : {"", "2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T09:30:00",
                               "2026-11-22", "2026-11-22T09:30:00.Z", "2026-11-22T09:30:00+01:00",
                               "2026-11-22T09:30:00.12x4Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"})
        EXPECT_FALSE(parse_iso_time(broken)) << broken;
}

}  // namespace
}  // namespace eventlens::s3
