#include "storage/s3_place.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "eventlens/error.h"

namespace eventlens::s3 {
namespace {

TEST(S3Place, KnowsProvidersByTheirHosts) {
    struct Case {
        const char* endpoint;
        const char* provider;
        const char* region;
        const char* url;  // of the object "a b" in the bucket "photos"
    };
    for (const Case& known : {
             Case{"https://s3.eu-west-1.amazonaws.com", "Amazon S3", "eu-west-1",
                  "https://photos.s3.eu-west-1.amazonaws.com/a%20b"},
             Case{"https://s3.dualstack.eu-west-1.amazonaws.com", "Amazon S3", "eu-west-1",
                  "https://photos.s3.dualstack.eu-west-1.amazonaws.com/a%20b"},
             Case{"https://s3.amazonaws.com/", "Amazon S3", "us-east-1",
                  "https://photos.s3.amazonaws.com/a%20b"},
             Case{"https://s3.cn-north-1.amazonaws.com.cn", "Amazon S3, China", "cn-north-1",
                  "https://photos.s3.cn-north-1.amazonaws.com.cn/a%20b"},
             Case{"https://0123abcd.r2.cloudflarestorage.com", "Cloudflare R2", "auto",
                  "https://0123abcd.r2.cloudflarestorage.com/photos/a%20b"},
             Case{"https://0123abcd.eu.r2.cloudflarestorage.com", "Cloudflare R2, jurisdictions", "auto",
                  "https://0123abcd.eu.r2.cloudflarestorage.com/photos/a%20b"},
             Case{"https://storage.googleapis.com", "Google Cloud Storage", "auto",
                  "https://storage.googleapis.com/photos/a%20b"},
             Case{"https://s3.oss-cn-hangzhou.aliyuncs.com", "Alibaba OSS", "cn-hangzhou",
                  "https://photos.s3.oss-cn-hangzhou.aliyuncs.com/a%20b"},
             Case{"https://oss-eu-central-1-internal.aliyuncs.com", "Alibaba OSS, inside its network",
                  "eu-central-1", "https://photos.oss-eu-central-1-internal.aliyuncs.com/a%20b"},
             Case{"https://s3.us-west-004.backblazeb2.com", "Backblaze B2", "us-west-004",
                  "https://s3.us-west-004.backblazeb2.com/photos/a%20b"},
             Case{"https://fra1.digitaloceanspaces.com", "DigitalOcean Spaces", "fra1",
                  "https://fra1.digitaloceanspaces.com/photos/a%20b"},
             Case{"https://s3.eu-central-2.wasabisys.com", "Wasabi", "eu-central-2",
                  "https://s3.eu-central-2.wasabisys.com/photos/a%20b"},
             Case{"HTTPS://S3.Wasabisys.com:443", "Wasabi", "us-east-1",
                  "https://s3.wasabisys.com/photos/a%20b"},
             Case{"http://127.0.0.1:9000", "MinIO, Ceph, versitygw and others", "us-east-1",
                  "http://127.0.0.1:9000/photos/a%20b"},
             Case{"https://media.example.org", "MinIO, Ceph, versitygw and others", "us-east-1",
                  "https://media.example.org/photos/a%20b"},
         }) {
        const Place place({.bucket = "photos", .endpoint = known.endpoint});
        EXPECT_EQ(place.provider().name, known.provider) << known.endpoint;
        EXPECT_EQ(place.region(), known.region) << known.endpoint;
        EXPECT_EQ(place.url("a b"), known.url);
    }
}

TEST(S3Place, TakesLookalikesForNobodys) {
    for (const char* host :
         {"s3.amazonaws.com.example.org", "s3..amazonaws.com", "evil-s3.eu-west-1.amazonaws.com",
          "s3.a.b.amazonaws.com", "oss-.aliyuncs.com", "amazonaws.com", "localhost"})
        EXPECT_TRUE(provider_of(host).provider->host.empty()) << host;
}

TEST(S3Place, ChoosesTheRegion) {
    EXPECT_EQ(Place({.bucket = "photos"}).endpoint(), "https://s3.us-east-1.amazonaws.com");
    EXPECT_EQ(Place({.bucket = "photos", .fallback_region = "eu-west-1"}).endpoint(),
              "https://s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(Place({.bucket = "photos", .region = "eu-west-2", .fallback_region = "eu-west-1"}).region(),
              "eu-west-2");
    EXPECT_EQ(Place({.bucket = "photos", .region = "cn-north-1"}).endpoint(),
              "https://s3.cn-north-1.amazonaws.com.cn");
    // What the host says comes before a region that is set for other work with Amazon, not before one asked
    // for.
    const std::string r2 = "https://0123abcd.r2.cloudflarestorage.com";
    EXPECT_EQ(Place({.bucket = "photos", .endpoint = r2, .fallback_region = "eu-west-1"}).region(), "auto");
    EXPECT_EQ(Place({.bucket = "photos", .endpoint = r2, .region = "weur"}).region(), "weur");
    const std::string own = "http://minio:9000";
    EXPECT_EQ(Place({.bucket = "photos", .endpoint = own, .fallback_region = "eu-west-1"}).region(),
              "eu-west-1");
    EXPECT_THROW(Place({.bucket = "photos", .region = "eu/../x"}), Error);
}

TEST(S3Place, ChoosesTheAddressing) {
    // No certificate covers bucket names with dots, and hosts have no capitals.
    EXPECT_EQ(Place({.bucket = "my.photos"}).url("k"), "https://s3.us-east-1.amazonaws.com/my.photos/k");
    EXPECT_EQ(Place({.bucket = "Photos_1"}).url("k"), "https://s3.us-east-1.amazonaws.com/Photos_1/k");
    EXPECT_EQ(Place({.bucket = "photos", .addressing = Addressing::path}).url("k"),
              "https://s3.us-east-1.amazonaws.com/photos/k");
    const Place virtual_host(
        {.bucket = "photos", .endpoint = "http://localhost:9000", .addressing = Addressing::virtual_host});
    EXPECT_EQ(virtual_host.url("k"), "http://photos.localhost:9000/k");
    EXPECT_EQ(virtual_host.url("", {{"list-type", "2"}}), "http://photos.localhost:9000/?list-type=2");
    const Place path({.bucket = "photos", .endpoint = "http://localhost:9000"});
    EXPECT_EQ(path.url("", {{"list-type", "2"}, {"prefix", "a/b c"}}),
              "http://localhost:9000/photos?list-type=2&prefix=a%2Fb%20c");
    EXPECT_EQ(path.url("/a/../b/"), "http://localhost:9000/photos//a/../b/");
    EXPECT_THROW(parse_addressing("vhost"), Error);
}

TEST(S3Place, MovesToAnotherRegion) {
    EXPECT_EQ(Place({.bucket = "photos"}).in_region("eu-west-1").url("k"),
              "https://photos.s3.eu-west-1.amazonaws.com/k");
    const Place own = Place({.bucket = "photos", .endpoint = "http://minio:9000"}).in_region("site-a");
    EXPECT_EQ(own.url("k"), "http://minio:9000/photos/k");
    EXPECT_EQ(own.region(), "site-a");
}

TEST(S3Place, RefusesWhatIsNoEndpointOrBucket) {
    for (const char* endpoint : {"localhost:9000", "ftp://host", "https://", "https://user:key@host",
                                 "https://host/path", "https://host?x=1", "http://ho st"})
        EXPECT_THROW(canonical_endpoint(endpoint), Error) << endpoint;
    for (const char* bucket : {"", "..", "a/b", "a b", "a%20b", "a?b", "user@host"})
        EXPECT_THROW(Place({.bucket = bucket}), Error) << bucket;
    EXPECT_EQ(canonical_endpoint("http://[::1]:80/"), "http://[::1]");
}

// People choose by the table of the documentation; it is written by hand.
TEST(S3Place, TheDocumentationShowsEveryProvider) {
    std::stringstream text;
    text << std::ifstream(DOCS "/storage.md").rdbuf();
    for (const Provider& provider : providers()) {
        EXPECT_NE(text.str().find(provider.name), std::string::npos) << provider.name;
        std::string host(provider.host);
        EXPECT_NE(text.str().find(host), std::string::npos) << host;
    }
}

}  // namespace
}  // namespace eventlens::s3
