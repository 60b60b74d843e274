#include "storage/sigv4.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "storage/url.h"

namespace eventlens::s3 {
namespace {

// Made by botocore: see make_sigv4_vectors.py beside the file.
const nlohmann::json& vectors() {
    static const nlohmann::json read = nlohmann::json::parse(std::ifstream(TEST_DATA "/sigv4_vectors.json"));
    return read;
}

Signer signer_for(const nlohmann::json& vector) {
    const nlohmann::json& keys = vectors()["keys"];
    return {{keys["access_key"], keys["secret_key"], vector["token"]}, vectors()["region"], vectors()["now"]};
}

TEST(SigV4, SignsRequestsAsBotocoreDoes) {
    ASSERT_GT(vectors()["requests"].size(), 30u);
    for (const nlohmann::json& vector : vectors()["requests"]) {
        http::Request request;
        request.method = vector["method"];
        request.url = vector["url"];
        for (const auto& [name, value] : vector["headers"].items()) request.headers.emplace_back(name, value);
        const std::string body = vector["body"];
        signer_for(vector).sign(request, request.url.starts_with("https:")
                                             ? unsigned_payload
                                             : sha256_hex(std::as_bytes(std::span(body))));
        const http::Headers headers = request.headers;
        EXPECT_EQ(headers.back(),
                  (http::Headers::value_type{"Authorization", vector["authorization"].get<std::string>()}))
            << vector["method"] << " " << request.url;
        EXPECT_NE(std::ranges::find(headers,
                                    http::Headers::value_type{"x-amz-content-sha256",
                                                              vector["content_sha256"].get<std::string>()}),
                  headers.end());
    }
}

TEST(SigV4, SignsLinksAsBotocoreDoes) {
    ASSERT_GT(vectors()["links"].size(), 10u);
    for (const nlohmann::json& vector : vectors()["links"]) {
        const std::string url = signer_for(vector).presigned(
            vector["url"].get<std::string>(), std::chrono::seconds(vector["seconds"].get<int>()));
        EXPECT_TRUE(url.ends_with("&X-Amz-Signature=" + vector["signature"].get<std::string>())) << url;
    }
}

TEST(SigV4, EncodesKeysAsTheVectorsDo) {
    for (const auto& [key, path] : vectors()["paths"].items()) {
        EXPECT_EQ(percent_encoded(key, "/"), path.get<std::string>());
        EXPECT_EQ(percent_decoded(path.get<std::string>()), key);
    }
}

}  // namespace
}  // namespace eventlens::s3
