#include "storage/azure_listing.h"

#include <gtest/gtest.h>

#include <string>

namespace eventlens::azure {
namespace {

std::string blob(const std::string& name, const std::string& properties,
                 const std::string& type = "<BlobType>BlockBlob</BlobType>") {
    return "<Blob>" + name + "<Properties><Last-Modified>Sun, 22 Nov 2026 23:03:35 GMT</Last-Modified>" +
           type + properties + "</Properties></Blob>";
}

std::string listing(const std::string& blobs, const std::string& marker = "<NextMarker />") {
    return "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
           "ServiceEndpoint=\"https://lakeside.blob.core.windows.net/\" ContainerName=\"photos\"><Blobs>" +
           blobs + "</Blobs>" + marker + "</EnumerationResults>";
}

const std::string sized = "<Content-Length>5</Content-Length><Etag>0x8DE2A</Etag>";
const std::string md5 = "<Content-MD5>gnzLDuqKcGxMNKFokfhOew==</Content-MD5>";

TEST(AzureListing, ReadsBlobs) {
    const Page page = parse_listing(
        listing(blob("<Name>day 1/a&amp;b.jpg</Name>", sized + md5) + blob("<Name> </Name>", sized)));
    ASSERT_EQ(page.objects.size(), 2U);
    EXPECT_EQ(page.next, "");
    EXPECT_EQ(page.objects[0].key, "day 1/a&b.jpg");
    EXPECT_EQ(page.objects[0].size, 5);
    EXPECT_EQ(page.objects[0].modified, 1'795'388'615'000'000'000);
    EXPECT_EQ(page.objects[1].key, " ");
}

TEST(AzureListing, NamesTheContentWhereTheServiceKnowsIt) {
    const std::string name = "<Name>a</Name>";
    const Page page = parse_listing(listing(blob(name, sized + md5) + blob(name, sized) +
                                            blob(name, sized + "<Content-MD5>short</Content-MD5>") +
                                            blob(name, sized + md5, "<BlobType>PageBlob</BlobType>")));
    ASSERT_EQ(page.objects.size(), 4U);
    EXPECT_EQ(page.objects[0].etag, "md5:827ccb0eea8a706c4c34a16891f84e7b");  // of "12345"
    EXPECT_TRUE(page.objects[0].etag_is_content);
    // Of a page blob the MD5 is what somebody once said it was.
    for (const std::size_t i : {1U, 2U, 3U}) {
        EXPECT_EQ(page.objects[i].etag, "0x8DE2A") << i;
        EXPECT_FALSE(page.objects[i].etag_is_content) << i;
    }
}

TEST(AzureListing, ReadsTheMarkerAndEncodedNames) {
    const Page page = parse_listing(listing(
        blob("<Name Encoded=\"true\">odd%01%25.jpg</Name>", sized) + blob("<Name>plain%25.jpg</Name>", sized),
        "<NextMarker>2!8!YS5qcGc-</NextMarker>"));
    ASSERT_EQ(page.objects.size(), 2U);
    EXPECT_EQ(page.objects[0].key, "odd\x01%.jpg");
    EXPECT_EQ(page.objects[1].key, "plain%25.jpg");
    EXPECT_EQ(page.next, "2!8!YS5qcGc-");
}

TEST(AzureListing, LeavesOutFolders) {
    const Page page =
        parse_listing(listing(blob("<Name>day 1</Name>", sized + "<ResourceType>directory</ResourceType>") +
                              blob("<Name>day 1/a.jpg</Name>", sized + "<ResourceType>file</ResourceType>")));
    ASSERT_EQ(page.objects.size(), 1U);
    EXPECT_EQ(page.objects[0].key, "day 1/a.jpg");
}

TEST(AzureListing, TakesNothingButAWholeListing) {
    const std::string whole = listing(blob("<Name>a</Name>", sized) + blob("<Name>b</Name>", sized));
    EXPECT_EQ(parse_listing(whole).objects.size(), 2U);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        try {
            parse_listing(whole.substr(0, length));
            ADD_FAILURE() << "cut off at " << length;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::overloaded);
        }
    }
    EXPECT_THROW(parse_listing(listing("", "")), Error);
    const std::string late = "<Last-Modified>Fri, 01 Jan 9999 00:00:00 GMT</Last-Modified>";
    EXPECT_THROW(
        parse_listing(listing("<Blob><Name>a</Name><Properties>" + late + sized + "</Properties></Blob>")),
        Error);
    EXPECT_THROW(parse_listing("<html><body>Sign in to the network</body></html>"), Error);
    EXPECT_THROW(parse_listing(listing(blob("<Name/>", sized))), Error);
    EXPECT_THROW(parse_listing(listing(blob("<Name>a</Name>", "<Content-Length>-1</Content-Length>"))),
                 Error);
    EXPECT_THROW(parse_listing(listing("<Blob><Name>a</Name><Properties>" + sized + "</Properties></Blob>")),
                 Error);
    EXPECT_THROW(parse_listing(listing(blob("<Name Encoded=\"true\">%zz</Name>", sized))), Error);
}

}  // namespace
}  // namespace eventlens::azure
