#include "storage/azure_sign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/base64.h"

namespace eventlens::azure {
namespace {

// Made by azure-storage-blob: see make_azure_vectors.py beside the file.
const nlohmann::json& vectors() {
    static const nlohmann::json read = nlohmann::json::parse(std::ifstream(TEST_DATA "/azure_vectors.json"));
    return read;
}

std::vector<std::byte> key() {
    return parse_base64(vectors()["key"].get<std::string>()).value();
}

std::string decoded(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            plain += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

Unsigned request_of(const nlohmann::json& vector) {
    const std::string url = vector["url"];
    const std::size_t path = url.find('/', url.find("://") + 3);
    const std::size_t query = std::min(url.find('?'), url.size());
    Unsigned request{vector["method"], url.substr(path, query - path)};
    for (std::size_t begin = query + 1; begin < url.size();) {
        const std::size_t end = std::min(url.find('&', begin), url.size());
        const std::size_t equals = url.find('=', begin);
        request.query[url.substr(begin, equals - begin)] = decoded(url.substr(equals + 1, end - equals - 1));
        begin = end + 1;
    }
    for (const auto& [name, value] : vector["headers"].items()) {
        std::string lower = name;
        std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
        request.headers[lower] = value;
    }
    return request;
}

TEST(AzureSign, SignsRequestsAsAzuresOwnClientDoes) {
    ASSERT_GE(vectors()["requests"].size(), 10U);
    for (const nlohmann::json& vector : vectors()["requests"]) {
        EXPECT_EQ(shared_key(vectors()["account"], key(), request_of(vector)),
                  vector["authorization"].get<std::string>())
            << vector["method"] << ' ' << vector["url"];
    }
}

TEST(AzureSign, SignsLinksAsAzuresOwnClientDoes) {
    ASSERT_GE(vectors()["links"].size(), 4U);
    for (const nlohmann::json& vector : vectors()["links"]) {
        const BlobLink link{.account = vectors()["account"],
                            .container = "photos",
                            .blob = vector["blob"],
                            .expires = vector["expires"],
                            .https_only = vector["protocol"] == "https",
                            .content_disposition = vector["disposition"]};
        EXPECT_EQ(nlohmann::json(blob_sas(key(), link)), vector["query"]) << vector["blob"];
    }
}

}  // namespace
}  // namespace eventlens::azure
