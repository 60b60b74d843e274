#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>

#include "eventlens/storage.h"
#include "loopback_server.h"
#include "storage/http_date.h"

namespace eventlens {
namespace {

// What S3 does over real servers is tested in Python (tests/python/test_storage*.py). Here a server on
// loopback plays what those do not: regions, clocks, sessions that end, redirections.

std::string reply(const std::string& status, const std::string& headers, const std::string& body = "") {
    return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string failure(const std::string& status, const std::string& code, const std::string& more = "",
                    const std::string& headers = "") {
    return reply(status, headers,
                 "<Error><Code>" + code + "</Code><Message>no</Message>" + more + "</Error>");
}

std::string content(const std::string& body) {
    const std::string last = std::to_string(body.size() - 1);
    return reply("206 Partial Content",
                 "ETag: \"e\"\r\nContent-Range: bytes 0-" + last + "/" + std::to_string(body.size()) + "\r\n",
                 body);
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

StorageOptions with_keys() {
    StorageOptions options;
    options.access_key = "AKIDEXAMPLE";
    options.secret_key = "hunter2hunter2";
    options.session_token = "tokentokentoken";
    options.attempts = 3;
    return options;
}

std::unique_ptr<const Store> open_at(const std::string& server, const std::string& more = "",
                                     const StorageOptions& options = with_keys()) {
    return open_store("s3://photos/day 1/?endpoint=" + server + more, options);
}

std::string text_of(const Store& store, const std::string& key) {
    const std::vector<std::byte> bytes = store.read(key, 1000);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<Error> error_of(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        for (const char* secret : {"hunter2", "tokentoken", "Signature="})
            EXPECT_FALSE(holds(error.what(), secret));
        return error;
    }
    return std::nullopt;
}

TEST(S3, HasOneNameHoweverItIsWritten) {
    const auto name = [](const std::string& location,
                         const std::map<std::string, std::string>& environment = {}) {
        StorageOptions options = with_keys();
        options.environment = environment;
        const auto store = open_store(location, options);
        // The name and the way lead there again, without the environment.
        const auto again = open_store(location_of(store->uri(), store->access()), with_keys());
        EXPECT_EQ(again->uri(), store->uri());
        EXPECT_EQ(again->access(), store->access());
        return store->uri() + " " + store->access();
    };
    EXPECT_EQ(name("s3://photos"), "s3://photos/ ");
    EXPECT_EQ(name("s3://photos/day 1"), "s3://photos/day%201/ ");
    EXPECT_EQ(name("s3://photos/day%201/?region=eu-west-1"), "s3://photos/day%201/ region=eu-west-1");
    EXPECT_EQ(name("s3://photos//x/"), "s3://photos//x/ ");
    EXPECT_EQ(name("s3://photos/?endpoint=https://s3.eu-west-1.amazonaws.com"),
              "s3://photos/ endpoint=https://s3.eu-west-1.amazonaws.com");
    const std::string own = "s3://photos/?endpoint=http://minio:9000 ";
    EXPECT_EQ(name("s3://photos/?endpoint=http%3A%2F%2FMinIO%3A9000%2F"), own);
    EXPECT_EQ(name("s3://photos", {{"AWS_ENDPOINT_URL", "http://minio:9000"}}), own);
    EXPECT_EQ(
        name("s3://photos", {{"AWS_ENDPOINT_URL", "http://x"}, {"AWS_ENDPOINT_URL_S3", "http://minio:9000"}}),
        own);
    EXPECT_EQ(name("s3://photos/?endpoint=http://minio:9000&anonymous=1&requester_pays=1&addressing=virtual"),
              own + "addressing=virtual&anonymous=1&requester_pays=1");
}

TEST(S3, RefusesLocationsThatSayNonsense) {
    for (const char* location :
         {"s3://", "s3:///key", "s3://photos/?access_key=hunter2", "s3://photos/?anonymous=yes",
          "s3://photos/?endpoint=localhost", "s3://photos/%zz", "s3://a b/"}) {
        const auto error = error_of([&] { open_store(location, with_keys()); });
        ASSERT_TRUE(error) << location;
        EXPECT_EQ(error->code(), ErrorCode::bad_input) << location;
    }
}

TEST(S3, ReadsAndSignsAnewUntilTheServerIsNotBusy) {
    int asked = 0;
    LoopbackServer server([&](const std::string&) {
        ++asked;
        return Reply{asked == 1   ? failure("503 Slow Down", "SlowDown")
                     : asked == 2 ? failure("400 Bad Request", "RequestTimeout")
                                  : content("photo")};
    });
    const auto store = open_at(server.url());
    EXPECT_EQ(text_of(*store, "a+b.jpg"), "photo");
    EXPECT_EQ(store->retries(), 2);
    const std::string request = server.requests().back();
    EXPECT_TRUE(request.starts_with("GET /photos/day%201/a%2Bb.jpg HTTP/1.1\r\n")) << request;
    EXPECT_TRUE(holds(request, "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    EXPECT_TRUE(holds(request, "x-amz-security-token: tokentokentoken\r\n"));
    EXPECT_TRUE(holds(request, "Range: bytes=0-\r\n"));
}

TEST(S3, SignsNothingForAnonymousReaders) {
    LoopbackServer server([&](const std::string&) { return Reply{content("photo")}; });
    const auto store = open_at(server.url(), "&anonymous=1&requester_pays=1", {});
    EXPECT_EQ(text_of(*store, "a.jpg"), "photo");
    EXPECT_FALSE(holds(server.requests().back(), "Authorization"));
    EXPECT_TRUE(holds(server.requests().back(), "x-amz-request-payer: requester\r\n"));
    const auto error = error_of([&] { store->presign_get("a.jpg"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::unsupported);
}

TEST(S3, LearnsTheRegionOnce) {
    LoopbackServer server([&](const std::string& request) {
        if (holds(request, "/eu-west-1/s3/")) return Reply{content("photo")};
        return Reply{
            failure("400 Bad Request", "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")};
    });
    const auto store = open_at(server.url());
    EXPECT_EQ(text_of(*store, "a.jpg"), "photo");
    EXPECT_EQ(text_of(*store, "b.jpg"), "photo");
    EXPECT_EQ(server.requests().size(), 3u);
    EXPECT_TRUE(holds(store->presign_get("a.jpg"), "%2Feu-west-1%2Fs3%2F"));
}

TEST(S3, TakesTheServersClock) {
    const std::int64_t theirs =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count() +
        3600;
    std::string day = iso_time(theirs).substr(0, 13);  // "2026-11-22T10"
    std::erase(day, '-');
    bool believes = true;
    LoopbackServer server([&](const std::string& request) {
        if (believes && holds(request, "x-amz-date: " + day)) return Reply{content("photo")};
        return Reply{
            failure("403 Forbidden", "RequestTimeTooSkewed", "", "Date: " + http_date(theirs) + "\r\n")};
    });
    const auto store = open_at(server.url());
    EXPECT_EQ(store->clock_offset().count(), 0);
    EXPECT_EQ(text_of(*store, "a.jpg"), "photo");
    EXPECT_EQ(text_of(*store, "b.jpg"), "photo");
    EXPECT_EQ(server.requests().size(), 3u);
    EXPECT_NEAR(static_cast<double>(store->clock_offset().count()), 3600, 30);
    believes = false;
    const auto error = error_of([&] { text_of(*store, "c.jpg"); });
    ASSERT_TRUE(error);
    EXPECT_TRUE(holds(error->what(), "clock is 60 minutes off")) << error->what();
}

TEST(S3, FollowsRedirectionsWithinTheServiceOnly) {
    LoopbackServer elsewhere([&](const std::string&) { return Reply{content("photo")}; });
    std::string target = elsewhere.url();  // the same host
    LoopbackServer server([&](const std::string&) {
        return Reply{
            failure("307 Temporary Redirect", "TemporaryRedirect", "", "Location: " + target + "/x\r\n")};
    });
    const auto store = open_at(server.url());
    EXPECT_EQ(text_of(*store, "a.jpg"), "photo");
    EXPECT_TRUE(elsewhere.requests().back().starts_with("GET /photos/day%201/a.jpg "))
        << elsewhere.requests().back();

    target.replace(target.find("127.0.0.1"), 9, "localhost");  // another one
    const auto error = error_of([&] { text_of(*store, "a.jpg"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::denied);
    EXPECT_TRUE(holds(error->what(), "give its endpoint and region")) << error->what();
    EXPECT_EQ(elsewhere.requests().size(), 1u);
}

TEST(S3, GetsNewKeysWhenTheSessionEndsMidway) {
    std::atomic<int> lent = 0;
    LoopbackServer container([&](const std::string&) {
        return Reply{
            reply("200 OK", "",
                  R"({"AccessKeyId":"K)" + std::to_string(++lent) +
                      R"(","SecretAccessKey":"s","Token":"t","Expiration":"2199-01-01T00:00:00Z"})")};
    });
    std::string expired = "Credential=K1/";
    LoopbackServer server([&](const std::string& request) {
        if (holds(request, expired)) return Reply{failure("400 Bad Request", "ExpiredToken")};
        return Reply{content("photo")};
    });
    StorageOptions options;
    options.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url();
    const auto store = open_at(server.url(), "", options);
    EXPECT_EQ(text_of(*store, "a.jpg"), "photo");
    EXPECT_EQ(lent, 2);
    EXPECT_EQ(store->retries(), 0);
    expired = "Credential=K";
    const auto error = error_of([&] { text_of(*store, "a.jpg"); });
    ASSERT_TRUE(error);
    EXPECT_TRUE(holds(error->what(), "the session has expired")) << error->what();
    EXPECT_EQ(error->code(), ErrorCode::overloaded) << "or an index run would hold it against the photo";
    EXPECT_EQ(lent, 3);
}

TEST(S3, ListsAgainWhatIsCutOff) {
    const std::string first =
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "<Contents><Key>day 1/a.jpg</Key><LastModified>2026-11-22T09:30:00Z</LastModified><ETag>\"e\"</ETag>"
        "<Size>3</Size></Contents><Contents><Key>day 1/x/.hidden.jpg</Key><LastModified>2026-11-22T09:30:00Z"
        "</LastModified><Size>3</Size></Contents><Contents><Key>day "
        "1/</Key><LastModified>2026-11-22T09:30:00Z"
        "</LastModified><Size>0</Size></Contents></ListBucketResult>";
    const std::string second = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    int asked = 0;
    LoopbackServer server([&](const std::string& request) {
        ++asked;
        if (asked == 1) return Reply{reply("200 OK", "", first.substr(0, first.size() / 2))};
        return Reply{reply("200 OK", "", holds(request, "continuation-token=t&") ? second : first)};
    });
    const auto store = open_at(server.url());
    std::vector<std::string> keys;
    store->list({},
                [&](const StoredObject& object) { keys.push_back(object.key + " " + object.fingerprint()); });
    EXPECT_EQ(keys, std::vector<std::string>{"a.jpg etag:e"});
    EXPECT_EQ(store->retries(), 1);
    EXPECT_TRUE(holds(server.requests().front(), "prefix=day%201%2F")) << server.requests().front();
}

TEST(S3, GivesUpListingsThatNeverEndOrAreNone) {
    std::string body =
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
        "</NextContinuationToken></ListBucketResult>";
    LoopbackServer server([&](const std::string&) { return Reply{reply("200 OK", "", body)}; });
    const auto store = open_at(server.url());
    const auto list = [&] { store->list({}, [](const StoredObject&) {}); };
    EXPECT_EQ(error_of(list)->code(), ErrorCode::overloaded);
    body = "<html>Welcome to the hotel's network</html>";
    const auto error = error_of(list);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), ErrorCode::overloaded);
    EXPECT_TRUE(holds(error->what(), "cut off or garbled")) << error->what();
}

TEST(S3, WritesOnlyWhereNothingIs) {
    std::string put = "412 Precondition Failed";
    std::string head = "404 Not Found";
    LoopbackServer server([&](const std::string& request) {
        if (request.starts_with("HEAD")) return Reply{"HTTP/1.1 " + head + "\r\nContent-Length: 0\r\n\r\n"};
        if (!holds(request, "If-None-Match: *\r\n")) return Reply{reply("200 OK", "")};
        return Reply{failure(put, "X")};
    });
    const auto store = open_at(server.url());
    const std::string text = "photo";
    const auto write = [&] {
        return store->write("a", std::as_bytes(std::span(text)), {.only_if_absent = true});
    };
    EXPECT_FALSE(write());
    put = "501 Not Implemented";  // a service without conditions: it is asked first
    EXPECT_TRUE(write());
    EXPECT_TRUE(server.requests().back().ends_with("\r\n\r\nphoto"));
    head = "200 OK";
    EXPECT_FALSE(write());
}

TEST(S3, SaysWhatIsWrongInItsOwnWords) {
    std::string answer;
    LoopbackServer server([&](const std::string&) { return Reply{answer}; });
    const auto store = open_at(server.url());
    const auto said = [&](const std::string& status, const std::string& code) {
        answer = failure(status, code, "<StringToSign>tokentokentoken</StringToSign>");
        return error_of([&] { text_of(*store, "a.jpg"); }).value();
    };
    EXPECT_EQ(said("404 Not Found", "NoSuchKey").code(), ErrorCode::not_found);
    EXPECT_STREQ(said("404 Not Found", "NoSuchKey").what(),
                 "cannot read s3://photos/day 1/a.jpg: there is no such object");
    EXPECT_TRUE(holds(said("404 Not Found", "NoSuchBucket").what(), "no bucket called photos at 127.0.0.1:"));
    EXPECT_TRUE(holds(said("403 Forbidden", "SignatureDoesNotMatch").what(), "secret key does not belong"));
    EXPECT_TRUE(holds(said("403 Forbidden", "InvalidAccessKeyId").what(), "access key is not known"));
    EXPECT_TRUE(holds(said("403 Forbidden", "AccessDenied").what(), "do not allow it"));
    EXPECT_EQ(said("503 Busy", "SlowDown").code(), ErrorCode::overloaded);
    EXPECT_EQ(said("520 Unknown", "").code(), ErrorCode::overloaded);
    EXPECT_TRUE(holds(said("418 Teapot", "IAmATeapot").what(), "answered 418 IAmATeapot: no"));
}

// An index run remembers what bad_input says of a photo, and a refusal says nothing of it.
TEST(S3, TellsRefusalsFromWhatIsWrongWithAnObject) {
    std::string answer;
    LoopbackServer server([&](const std::string&) { return Reply{answer}; });
    const auto store = open_at(server.url());
    const std::pair<const char*, const char*> refusals[] = {
        {"401 Unauthorized", "AccessDenied"},
        {"403 Forbidden", "AccessDenied"},
        {"403 Forbidden", "InvalidAccessKeyId"},
        {"403 Forbidden", "SignatureDoesNotMatch"},
        {"403 Forbidden", "RequestTimeTooSkewed"},
        {"403 Forbidden", "InvalidObjectState"},
        {"403 Forbidden", ""},
        {"301 Moved Permanently", "PermanentRedirect"},
        {"302 Found", ""},
        {"400 Bad Request", "AuthorizationHeaderMalformed"},
        {"400 Bad Request", "KMS.DisabledException"},
        {"407 Proxy Authentication Required", ""},
        {"501 Not Implemented", "NotImplemented"},
    };
    for (const auto& [status, code] : refusals) {
        answer = failure(status, code);
        EXPECT_EQ(error_of([&] { text_of(*store, "a.jpg"); }).value().code(), ErrorCode::denied)
            << status << code;
        EXPECT_EQ(error_of([&] { store->open("a.mp4"); }).value().code(), ErrorCode::denied)
            << status << code;
    }
    answer = content("more than was asked for");
    EXPECT_EQ(error_of([&] { store->read("a.jpg", 3); }).value().code(), ErrorCode::bad_input);
}

TEST(S3, LinksLastSevenDaysAtMost) {
    const auto store = open_store("s3://photos/", with_keys());
    const std::string link = store->presign_get("z\xC3\xBCrich 1.jpg", {std::chrono::seconds(60), "f.jpg"});
    EXPECT_TRUE(link.starts_with("https://photos.s3.us-east-1.amazonaws.com/z%C3%BCrich%201.jpg?")) << link;
    EXPECT_TRUE(holds(link, "X-Amz-Expires=60&"));
    EXPECT_TRUE(holds(link, "response-content-disposition=attachment%3B%20filename%3D%22f.jpg%22&"));
    for (const int seconds : {0, 604'801})
        EXPECT_THROW(store->presign_get("a", {std::chrono::seconds(seconds), ""}), Error);
}

TEST(S3, ReadsFilmsByRanges) {
    const std::string film(5'000'000, 'f');
    LoopbackServer server([&](const std::string& request) {
        const std::size_t at = request.find("Range: bytes=") + 13;
        const std::size_t first = std::stoul(request.substr(at));
        const std::size_t last =
            std::min(film.size() - 1, std::stoul(request.substr(request.find('-', at) + 1)));
        return Reply{reply("206 Partial Content",
                           "ETag: \"e\"\r\nContent-Range: bytes " + std::to_string(first) + "-" +
                               std::to_string(last) + "/" + std::to_string(film.size()) + "\r\n",
                           film.substr(first, last - first + 1))};
    });
    auto store = open_at(server.url());
    const auto source = store->open("film.mp4");
    store.reset();  // a film outlives the store that it came from
    std::vector<std::byte> bytes(film.size());
    EXPECT_EQ(source->read(0, bytes), film.size());
    EXPECT_EQ(source->size(), 5'000'000);
    EXPECT_EQ(server.requests().size(), 3u);
    EXPECT_FALSE(holds(server.requests()[0], "If-Match"));
    EXPECT_TRUE(holds(server.requests()[2], "If-Match: \"e\"\r\n"));
}

}  // namespace
}  // namespace eventlens
