#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/base64.h"
#include "eventlens/storage.h"
#include "loopback_server.h"
#include "storage/http_date.h"
#include "storage/url.h"

namespace eventlens {
namespace {

constexpr const char* key = "c2VjcmV0IGtleQ==";

std::string page(const std::string& status, const std::string& headers, std::string_view body = "") {
    return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

std::string refused(const std::string& status, const std::string& code,
                    const std::string& more_headers = "") {
    return page(
        status, "x-ms-error-code: " + code + "\r\n" + more_headers,
        "<Error><Code>" + code + "</Code><Message>The signature 'sig=abc' is not right</Message></Error>");
}

StorageOptions with_key() {
    StorageOptions options;
    options.azure_key = key;
    return options;
}

// The account "lakeside" as the server on loopback keeps it.
std::unique_ptr<const Store> store_at(const LoopbackServer& server, const std::string& path = "photos/day 1/",
                                      const StorageOptions& options = with_key()) {
    return open_store("az://lakeside/" + path + "?endpoint=" + server.url() + "/lakeside", options);
}

// Empty when the request has no such header.
std::string header(const std::string& request, const std::string& name) {
    const std::size_t at = request.find("\r\n" + name + ": ");
    if (at == std::string::npos || at > request.find("\r\n\r\n")) return {};
    const std::size_t begin = at + name.size() + 4;
    return request.substr(begin, request.find("\r\n", begin) - begin);
}

std::string first_line(const std::string& request) {
    return request.substr(0, request.find("\r\n"));
}

std::string body(const std::string& request) {
    return request.substr(request.find("\r\n\r\n") + 4);
}

std::string text_of(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::optional<Error> error_of(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

std::optional<ErrorCode> code_of(const auto& action) {
    const std::optional<Error> error = error_of(action);
    return error ? std::optional(error->code()) : std::nullopt;
}

TEST(AzureStore, OnePlaceHasOneName) {
    const auto uri = [](const std::string& location) { return open_source(location, with_key())->uri(); };
    EXPECT_EQ(uri("az://lakeside/photos"), "az://lakeside/photos/");
    EXPECT_EQ(uri("az://lakeside/photos/day 1"), "az://lakeside/photos/day%201/");
    EXPECT_EQ(uri("az://lakeside/photos/day%201/"), "az://lakeside/photos/day%201/");
    EXPECT_EQ(uri("az://lakeside/photos/?endpoint=https://lakeside.blob.core.windows.net/"),
              "az://lakeside/photos/");
    const std::string local = "az://lakeside/photos/?endpoint=http%3A%2F%2F127.0.0.1%3A10000%2Flakeside";
    EXPECT_EQ(uri("az://lakeside/photos?endpoint=http://127.0.0.1:10000/lakeside/"), local);
    EXPECT_EQ(uri(local), local);
    EXPECT_EQ(uri("az://lakeside/photos/?endpoint=https://Photos.Example:443"),
              uri("az://lakeside/photos/?endpoint=https://photos.example"));

    EXPECT_EQ(open_source("az://lakeside/photos/", with_key())->access(), "");
    const auto open_to_all = open_source("az://lakeside/photos/?anonymous=1");
    EXPECT_EQ(open_to_all->uri(), "az://lakeside/photos/");
    EXPECT_EQ(open_to_all->access(), "anonymous=1");
}

TEST(AzureStore, RefusesWhatNamesNoContainer) {
    for (const char* location :
         {"az://", "az://lakeside", "az://lakeside/", "az:///photos/", "az://secret@lakeside/photos/",
          "az://lakeside/Photos/", "az://lakeside/pho%20tos/", "az://lakeside/photos/../other/",
          "az://lakeside/photos/?profile=secret", "az://lakeside/photos/?anonymous=secret",
          "az://lakeside/photos/?sv=2021-12-02&sig=secret", "az://lakeside/photos/?endpoint=secret",
          "az://lakeside/photos/?endpoint=ftp://secret.example",
          "az://lakeside/photos/?endpoint=https://me:secret@example/",
          "az://lakeside/photos/?endpoint=https://example/%3Fsig=secret"}) {
        const auto error = error_of([&] { open_source(location, with_key()); });
        ASSERT_TRUE(error) << location;
        EXPECT_EQ(error->code(), ErrorCode::bad_input) << location;
        EXPECT_EQ(std::string(error->what()).find("secret"), std::string::npos) << error->what();
    }
    EXPECT_EQ(code_of([] { open_source("az://lakeside/photos/"); }), ErrorCode::bad_input);  // no credentials
}

std::string listing(const std::vector<std::string>& names, const std::string& marker) {
    std::string blobs;
    for (const std::string& name : names) {
        blobs += "<Blob><Name>" + name +
                 "</Name><Properties><Last-Modified>Sun, 22 Nov 2026 23:03:35 GMT</Last-Modified>"
                 "<Content-Length>5</Content-Length><Etag>0x1</Etag></Properties></Blob>";
    }
    return "<EnumerationResults><Blobs>" + blobs + "</Blobs><NextMarker>" + marker +
           "</NextMarker></EnumerationResults>";
}

std::vector<std::string> keys_in(const Source& source, const ListOptions& options = {}) {
    std::vector<std::string> keys;
    source.list(options, [&](const StoredObject& object) { keys.push_back(object.key); });
    return keys;
}

TEST(AzureStore, ListsPageByPage) {
    int asked = 0;
    const std::string first =
        listing({"day 1/", "day 1/a.jpg", "day 1/.hidden", "day 1/x/", "day 1/x/.y/b.jpg"}, "2!1&amp;");
    const std::string second = listing({"day 1/x/c.txt", "day 1/z.jpg"}, "");
    LoopbackServer server([&](const std::string&) {
        ++asked;
        return Reply{page("200 OK", "", asked == 1 ? first : asked == 2 ? second.substr(0, 300) : second)};
    });
    const auto store = store_at(server);
    const auto jpg = [](std::string_view name) { return name.ends_with(".jpg"); };
    EXPECT_EQ(keys_in(*store, {.prefix = "", .wanted = jpg}),
              (std::vector<std::string>{"a.jpg", "x/.y/b.jpg", "z.jpg"}));
    EXPECT_EQ(store->retries(), 1);  // the second page was cut off at first
    ASSERT_EQ(server.requests().size(), 3U);
    EXPECT_EQ(first_line(server.requests()[0]),
              "GET /lakeside/photos?comp=list&prefix=day%201/&restype=container HTTP/1.1");
    EXPECT_EQ(first_line(server.requests()[2]),
              "GET /lakeside/photos?comp=list&marker=2%211%26&prefix=day%201/&restype=container HTTP/1.1");
}

TEST(AzureStore, TakesNoListingOfSomethingElse) {
    int asked = 0;
    LoopbackServer server([&](const std::string&) {
        return Reply{page("200 OK", "", listing({++asked == 1 ? "day 2/a.jpg" : "day 1/a.jpg"}, ""))};
    });
    EXPECT_EQ(keys_in(*store_at(server)), std::vector<std::string>{"a.jpg"});
}

TEST(AzureStore, EndsAListingThatDoesNotGoOn) {
    LoopbackServer server(
        [&](const std::string&) { return Reply{page("200 OK", "", listing({"day 1/a"}, "same"))}; });
    EXPECT_EQ(code_of([&] { keys_in(*store_at(server)); }), ErrorCode::overloaded);
    EXPECT_EQ(server.requests().size(), 2U);
}

TEST(AzureStore, ReadsOnWhereAConnectionBroke) {
    LoopbackServer server([](const std::string& request) {
        const std::string range = header(request, "x-ms-range");
        if (range == "bytes=0-")
            return Reply{
                "HTTP/1.1 206 Partial Content\r\nETag: \"0x1\"\r\nContent-Range: bytes 0-9/10\r\n"
                "Content-Length: 10\r\n\r\n0123",
                Reply::Then::close};
        return Reply{
            page("206 Partial Content", "ETag: \"0x1\"\r\nContent-Range: bytes 4-9/10\r\n", "456789")};
    });
    const auto store = store_at(server);
    EXPECT_EQ(text_of(store->read("a b+c.jpg", 100)), "0123456789");
    ASSERT_EQ(server.requests().size(), 2U);
    const std::string again = server.requests()[1];
    EXPECT_EQ(first_line(again), "GET /lakeside/photos/day%201/a%20b%2Bc.jpg HTTP/1.1");
    EXPECT_EQ(header(again, "x-ms-range"), "bytes=4-");
    EXPECT_EQ(header(again, "if-match"), "\"0x1\"");
    EXPECT_NE(header(again, "authorization"), header(server.requests()[0], "authorization"));
}

TEST(AzureStore, NoticesBytesThatAreMissing) {
    std::string range;
    std::string content;
    int asked = 0;
    LoopbackServer server([&](const std::string&) {
        const bool lie = ++asked == 1;
        return Reply{page("206 Partial Content", "ETag: \"0x1\"\r\nContent-Range: bytes " + range + "\r\n",
                          lie ? content.substr(1) : content)};
    });
    const auto store = store_at(server);
    range = "0-9/10";
    content = "0123456789";
    EXPECT_EQ(text_of(store->read("a.jpg", 100)), "0123456789");
    EXPECT_EQ(asked, 2);
    // A part where the whole was asked for.
    range = "0-4/10";
    content = "01234";
    EXPECT_EQ(code_of([&] { store->read("a.jpg", 100); }), ErrorCode::overloaded);
    range = "5-9/10";
    EXPECT_THROW(store->read("a.jpg", 100), Error);
}

TEST(AzureStore, ReadsRanges) {
    const std::string content = "0123456789";
    std::string etag = "\"0x1\"";
    LoopbackServer server([&](const std::string& request) {
        const std::string wanted = header(request, "if-match");
        if (!wanted.empty() && wanted != etag)
            return Reply{refused("412 Precondition Failed", "ConditionNotMet")};
        if (first_line(request).find("/empty ") != std::string::npos)
            return Reply{refused("416 Range Not Satisfiable", "InvalidRange")};
        if (first_line(request).find("/empty-too ") != std::string::npos)
            return Reply{page("206 Partial Content", "Content-Range: bytes 0--1/0\r\n")};
        if (first_line(request).find("/film.mp4 ") == std::string::npos)
            return Reply{refused("404 Not Found", "BlobNotFound")};
        if (header(request, "x-ms-range") != "bytes=0-2097151")
            return Reply{refused("400 Bad Request", "OtherRange")};
        return Reply{
            page("206 Partial Content", "ETag: " + etag + "\r\nContent-Range: bytes 0-9/10\r\n", content)};
    });
    std::shared_ptr<const ByteSource> film = store_at(server)->open("film.mp4");  // outlives its store
    std::array<std::byte, 4> part{};
    EXPECT_EQ(film->size(), 10);
    EXPECT_EQ(film->read(8, part), 2U);
    EXPECT_EQ(part[1], std::byte{'9'});
    for (const char* empty : {"empty", "empty-too"}) {
        EXPECT_EQ(store_at(server)->open(empty)->size(), 0);
        EXPECT_TRUE(store_at(server)->read(empty, 100).empty());
    }
    EXPECT_EQ(code_of([&] { store_at(server)->open("gone"); }), ErrorCode::not_found);
}

TEST(AzureStore, NoticesThatAFilmChanged) {
    const std::string block(2 << 20, 'x');
    int asked = 0;
    LoopbackServer server([&](const std::string& request) {
        if (++asked == 1)
            return Reply{page("206 Partial Content",
                              "ETag: \"0x1\"\r\nContent-Range: bytes 0-2097151/4194304\r\n", block)};
        EXPECT_EQ(header(request, "if-match"), "\"0x1\"");
        return Reply{refused("412 Precondition Failed", "ConditionNotMet")};
    });
    const auto film = store_at(server)->open("film.mp4");
    std::array<std::byte, 4> part{};
    EXPECT_EQ(film->read(0, part), 4U);
    EXPECT_EQ(code_of([&] { film->read(3'000'000, part); }), ErrorCode::bad_input);
}

TEST(AzureStore, TakesTheClockOfTheService) {
    const std::string tomorrow = http_date(std::time(nullptr) + 86'400);
    LoopbackServer server([&](const std::string& request) {
        const auto date = parse_http_date(header(request, "x-ms-date"));
        if (!date || *date < std::time(nullptr) + 86'000)
            return Reply{refused("403 Forbidden", "AuthenticationFailed", "Date: " + tomorrow + "\r\n")};
        return Reply{page("200 OK", "", "fine")};
    });
    const auto store = store_at(server);
    EXPECT_EQ(text_of(store->read("a.jpg", 100)), "fine");
    EXPECT_EQ(text_of(store->read("b.jpg", 100)), "fine");
    EXPECT_EQ(server.requests().size(), 3U);
    // Links end by that clock too.
    const std::string link = store->presign_get("a.jpg");
    const Query query = parse_query(std::string_view(link).substr(link.find('?') + 1));
    EXPECT_GT(query.at("se"), iso_time(std::time(nullptr) + 86'000));
}

TEST(AzureStore, SaysThatTheClockIsWrong) {
    const std::string yesterday = http_date(std::time(nullptr) - 86'400);
    LoopbackServer server([&](const std::string&) {
        return Reply{refused("403 Forbidden", "AuthenticationFailed", "Date: " + yesterday + "\r\n")};
    });
    const auto error = error_of([&] { store_at(server)->read("a.jpg", 100); });
    ASSERT_TRUE(error);
    EXPECT_NE(std::string(error->what()).find("ahead of that of the service"), std::string::npos)
        << error->what();
}

TEST(AzureStore, TellsWhatWentWrongWithoutSecrets) {
    std::string reply;
    LoopbackServer server([&](const std::string&) { return Reply{reply}; });
    StorageOptions with_sas;
    with_sas.azure_sas = "sv=1&sig=verysecret";
    const auto by_key = store_at(server);
    const auto by_sas = store_at(server, "photos/day 1/", with_sas);
    const std::pair<std::string, ErrorCode> replies[] = {
        {refused("404 Not Found", "BlobNotFound"), ErrorCode::not_found},
        {refused("401 Unauthorized", "NoAuthenticationInformation"), ErrorCode::denied},
        {refused("403 Forbidden", "AuthenticationFailed"), ErrorCode::denied},
        {refused("409 Conflict", "BlobArchived"), ErrorCode::denied},
        {refused("400 Bad Request", "<b>sig=verysecret</b>"), ErrorCode::denied},
        {refused("412 Precondition Failed", "ConditionNotMet"), ErrorCode::bad_input},
        {page("302 Found", "Location: http://elsewhere.example/\r\n"), ErrorCode::denied},
    };
    for (const auto& [bytes, code] : replies) {
        reply = bytes;
        for (const Store* store : {by_key.get(), by_sas.get()}) {
            const auto error = error_of([&] { store->read("a.jpg", 100); });
            ASSERT_TRUE(error) << bytes;
            const std::string message = error->what();
            EXPECT_EQ(error->code(), code) << message;
            EXPECT_TRUE(message.starts_with("cannot read az://lakeside/photos/day 1/a.jpg: ")) << message;
            for (const char* secret : {"sig=", "secret", key, "SharedKey"})
                EXPECT_EQ(message.find(secret), std::string::npos) << message;
        }
    }
    EXPECT_TRUE(first_line(server.requests()[1]).ends_with("a.jpg?sv=1&sig=verysecret HTTP/1.1"));
    EXPECT_EQ(header(server.requests()[1], "authorization"), "");
}

TEST(AzureStore, AsksAgainWhenTheServiceIsBusy) {
    int asked = 0;
    LoopbackServer server([&](const std::string&) {
        if (++asked == 1) return Reply{refused("503 Server Busy", "ServerBusy")};
        if (asked == 2) return Reply{refused("500 Internal Server Error", "OperationTimedOut")};
        return Reply{page("201 Created", "")};
    });
    const auto store = store_at(server);
    EXPECT_TRUE(store->write("a.jpg", bytes_of("content")));
    EXPECT_EQ(store->retries(), 2);
    EXPECT_EQ(body(server.requests().back()), "content");
}

TEST(AzureStore, WritesWithWhatTheReaderIsToBeTold) {
    LoopbackServer server([&](const std::string&) { return Reply{page("201 Created", "")}; });
    const auto store = store_at(server);
    EXPECT_TRUE(store->write("a.jpg", bytes_of("12345"),
                             {.content_type = "image/jpeg", .cache_control = "max-age=60"}));
    const std::string plain = server.requests().back();
    EXPECT_EQ(first_line(plain), "PUT /lakeside/photos/day%201/a.jpg HTTP/1.1");
    EXPECT_EQ(header(plain, "x-ms-blob-type"), "BlockBlob");
    EXPECT_EQ(header(plain, "x-ms-blob-content-type"), "image/jpeg");
    EXPECT_EQ(header(plain, "x-ms-blob-cache-control"), "max-age=60");
    EXPECT_EQ(header(plain, "if-none-match"), "");
    EXPECT_TRUE(store->write("b.jpg", {}, {.only_if_absent = true}));
    EXPECT_EQ(header(server.requests().back(), "if-none-match"), "*");
    EXPECT_EQ(header(server.requests().back(), "Content-Length"), "0");
}

TEST(AzureStore, LeavesAloneWhatIsThereIfAsked) {
    std::string reply;
    LoopbackServer server([&](const std::string&) { return Reply{reply}; });
    const auto store = store_at(server);
    const std::pair<std::string, ErrorCode> replies[] = {
        {refused("409 Conflict", "BlobAlreadyExists"), ErrorCode::denied},
        {refused("412 Precondition Failed", "ConditionNotMet"), ErrorCode::bad_input},
    };
    for (const auto& [there, code] : replies) {
        reply = there;
        EXPECT_FALSE(store->write("a.jpg", bytes_of("1"), {.only_if_absent = true}));
        EXPECT_EQ(code_of([&] { store->write("a.jpg", bytes_of("1")); }), code);
    }
    reply = refused("412 Precondition Failed", "LeaseIdMissing");
    EXPECT_EQ(code_of([&] { store->write("a.jpg", bytes_of("1"), {.only_if_absent = true}); }),
              ErrorCode::bad_input);
}

TEST(AzureStore, SendsLargeContentsInBlocks) {
    std::string content(34'000'001, '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 / 7);
    const auto file = std::filesystem::temp_directory_path() / "eventlens_azure_blocks.bin";
    std::ofstream(file, std::ios::binary) << content;

    int sent = 0;
    LoopbackServer server([&](const std::string&) {
        return ++sent == 2 ? Reply{refused("503 Server Busy", "ServerBusy")} : Reply{page("201 Created", "")};
    });
    EXPECT_TRUE(store_at(server)->write_file("film.mp4", file, {.content_type = "video/mp4"}));
    std::filesystem::remove(file);

    std::vector<std::string> requests = server.requests();
    ASSERT_EQ(requests.size(), 7U);  // five blocks, one of them twice, and their list
    EXPECT_TRUE(body(requests[1]) == body(requests[2]));
    requests.erase(requests.begin() + 1);
    std::string received;
    std::string list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
    for (std::size_t i = 0; i < 5; ++i) {
        const std::string line = first_line(requests[i]);
        const std::size_t id = line.find("blockid=") + 8;
        list += "<Uncommitted>" + percent_decoded(line.substr(id, line.find_first_of("& ", id) - id)) +
                "</Uncommitted>";
        received += body(requests[i]);
    }
    EXPECT_TRUE(received == content);
    EXPECT_EQ(body(requests[5]), list + "</BlockList>");
    EXPECT_EQ(first_line(requests[5]), "PUT /lakeside/photos/day%201/film.mp4?comp=blocklist HTTP/1.1");
    EXPECT_EQ(header(requests[5], "x-ms-blob-content-type"), "video/mp4");
    EXPECT_EQ(header(requests[5], "x-ms-blob-type"), "");
}

TEST(AzureStore, AsksBeforeItSendsALargeContent) {
    LoopbackServer server([&](const std::string&) { return Reply{page("200 OK", "")}; });
    const std::vector<std::byte> content(33 << 20);
    EXPECT_FALSE(store_at(server)->write("film.mp4", content, {.only_if_absent = true}));
    ASSERT_EQ(server.requests().size(), 1U);
    EXPECT_TRUE(server.requests()[0].starts_with("HEAD "));
}

TEST(AzureStore, RemovesWhatMayBeGone) {
    std::string reply = page("202 Accepted", "");
    LoopbackServer server([&](const std::string&) { return Reply{reply}; });
    const auto store = store_at(server);
    store->remove("a.jpg");
    EXPECT_EQ(first_line(server.requests().back()), "DELETE /lakeside/photos/day%201/a.jpg HTTP/1.1");
    reply = refused("404 Not Found", "BlobNotFound");
    EXPECT_NO_THROW(store->remove("a.jpg"));
    reply = refused("403 Forbidden", "AuthorizationPermissionMismatch");
    EXPECT_EQ(code_of([&] { store->remove("a.jpg"); }), ErrorCode::denied);
}

TEST(AzureStore, ReachesNothingOutsideOfItsPrefix) {
    LoopbackServer server([&](const std::string&) { return Reply{page("200 OK", "", "content")}; });
    const auto store = store_at(server);
    for (const std::string wrong :
         {"", "..", "../a.jpg", "a/../../b.jpg", "./a.jpg", "a/.", "a\\..\\b.jpg"}) {
        EXPECT_EQ(code_of([&] { store->read(wrong, 100); }), ErrorCode::bad_input) << wrong;
        EXPECT_EQ(code_of([&] { store->open(wrong); }), ErrorCode::bad_input) << wrong;
        EXPECT_EQ(code_of([&] { store->write(wrong, bytes_of("1")); }), ErrorCode::bad_input) << wrong;
        EXPECT_EQ(code_of([&] { store->remove(wrong); }), ErrorCode::bad_input) << wrong;
        EXPECT_EQ(code_of([&] { store->presign_get(wrong); }), ErrorCode::bad_input) << wrong;
    }
    EXPECT_TRUE(server.requests().empty());
    EXPECT_EQ(text_of(store->read("a..jpg", 100)), "content");
}

TEST(AzureStore, SignsLinksWithTheKeyAlone) {
    const auto by_key = open_store("az://lakeside/photos/day 1/", with_key());
    const std::string link =
        by_key->presign_get("a b.jpg", {.lasts = std::chrono::hours(1), .download_name = "best.jpg"});
    EXPECT_TRUE(link.starts_with("https://lakeside.blob.core.windows.net/photos/day%201/a%20b.jpg?")) << link;
    const Query query = parse_query(std::string_view(link).substr(link.find('?') + 1));
    EXPECT_EQ(query.at("sp"), "r");
    EXPECT_EQ(query.at("spr"), "https");
    EXPECT_EQ(query.at("rscd"), "attachment; filename=\"best.jpg\"");
    EXPECT_GE(query.at("se"), iso_time(std::time(nullptr) + 3'590));
    EXPECT_LE(query.at("se"), iso_time(std::time(nullptr) + 3'600));
    EXPECT_EQ(code_of([&] { by_key->presign_get("a", {.lasts = std::chrono::hours(24 * 7 + 1)}); }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { by_key->presign_get("a", {.lasts = std::chrono::seconds(0)}); }),
              ErrorCode::bad_input);

    StorageOptions with_sas;
    with_sas.azure_sas = "sv=1&sig=verysecret";
    EXPECT_EQ(code_of([&] { open_store("az://lakeside/photos/", with_sas)->presign_get("a.jpg"); }),
              ErrorCode::unsupported);
    EXPECT_EQ(code_of([] { open_store("az://lakeside/photos/?anonymous=1")->presign_get("a.jpg"); }),
              ErrorCode::unsupported);
}

}  // namespace
}  // namespace eventlens
