#include "storage/azure_access.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/base64.h"

namespace eventlens::azure {
namespace {

using Environment = std::map<std::string, std::string>;

constexpr const char* our_key = "b3VyIGtleQ==";
constexpr const char* other_key = "b3RoZXIga2V5";

Access access(const Environment& environment, StorageOptions options = {},
              const Wanted& wanted = {"lakeside"}) {
    options.environment = environment;
    return find_access(wanted, options);
}

std::string key(const Access& found) {
    return base64_text(found.key);
}

// The message of the Error(bad_input) that is thrown.
std::string refusal(const Environment& environment, const StorageOptions& options = {}) {
    try {
        access(environment, options);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::bad_input);
        return error.what();
    }
    return "no error";
}

TEST(AzureAccess, TakesWhatTheOptionsGiveFirst) {
    const Environment environment{
        {"AZURE_STORAGE_KEY", other_key},
        {"AZURE_STORAGE_SAS_TOKEN", "sig=other"},
        {"AZURE_STORAGE_CONNECTION_STRING", "AccountName=lakeside;AccountKey=" + std::string(other_key)}};
    StorageOptions options;
    options.azure_key = our_key;
    EXPECT_EQ(key(access(environment, options)), our_key);
    options.azure_key.clear();
    options.azure_sas = "?sv=2021-12-02&sig=ours";
    EXPECT_EQ(access(environment, options).sas, "sv=2021-12-02&sig=ours");
    EXPECT_TRUE(access(environment, options).key.empty());
}

TEST(AzureAccess, ReadsTheEnvironment) {
    EXPECT_EQ(key(access({{"AZURE_STORAGE_KEY", our_key}})), our_key);
    EXPECT_EQ(key(access({{"AZURE_STORAGE_KEY", our_key}, {"AZURE_STORAGE_ACCOUNT", "lakeside"}})), our_key);
    EXPECT_EQ(access({{"AZURE_STORAGE_SAS_TOKEN", "se=1&sig=ours"}}).sas, "se=1&sig=ours");
    EXPECT_EQ(access({{"AZURE_STORAGE_KEY", our_key}}).endpoint, "https://lakeside.blob.core.windows.net");
    EXPECT_NE(refusal({{"AZURE_STORAGE_KEY", our_key}, {"AZURE_STORAGE_ACCOUNT", "hillside"}})
                  .find("AZURE_STORAGE_KEY is for another"),
              std::string::npos);
}

TEST(AzureAccess, ReadsConnectionStrings) {
    const auto connect = [](const std::string& text) {
        return access({{"AZURE_STORAGE_CONNECTION_STRING", text}, {"AZURE_STORAGE_SAS_TOKEN", "sig=other"}});
    };
    const std::string named = std::string("AccountName=lakeside;AccountKey=") + our_key;
    EXPECT_EQ(key(connect(named)), our_key);
    EXPECT_EQ(connect(named).endpoint, "https://lakeside.blob.core.windows.net");
    EXPECT_EQ(
        connect("DefaultEndpointsProtocol=http;EndpointSuffix=core.chinacloudapi.cn;" + named + ";").endpoint,
        "http://lakeside.blob.core.chinacloudapi.cn");
    EXPECT_EQ(connect(named + ";BlobEndpoint=http://127.0.0.1:11000/lakeside/").endpoint,
              "http://127.0.0.1:11000/lakeside");

    // As the portal makes them for a shared access signature: without the account's name.
    const Access shared =
        connect("BlobEndpoint=https://lakeside.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%3D");
    EXPECT_EQ(shared.sas, "sv=1&sig=a%3D");
    EXPECT_EQ(shared.endpoint, "https://lakeside.blob.core.windows.net");

    // Of another account: nothing of it is taken.
    const Access other = connect("AccountName=hillside;BlobEndpoint=http://hillside.example;AccountKey=" +
                                 std::string(other_key));
    EXPECT_TRUE(other.key.empty());
    EXPECT_EQ(other.sas, "sig=other");
    EXPECT_EQ(other.endpoint, "https://lakeside.blob.core.windows.net");
}

TEST(AzureAccess, KnowsTheDevelopmentStorage) {
    StorageOptions options;
    options.environment["AZURE_STORAGE_CONNECTION_STRING"] = "UseDevelopmentStorage=true";
    const Access local = find_access({"devstoreaccount1"}, options);
    EXPECT_EQ(local.endpoint, "http://127.0.0.1:10000/devstoreaccount1");
    EXPECT_EQ(local.key.size(), 64U);
    EXPECT_THROW(find_access({"lakeside"}, options), Error);
    options.environment["AZURE_STORAGE_CONNECTION_STRING"] =
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite";
    EXPECT_EQ(find_access({"devstoreaccount1"}, options).endpoint, "http://azurite:10000/devstoreaccount1");
}

TEST(AzureAccess, FollowsTheLocation) {
    const Environment environment{
        {"AZURE_STORAGE_CONNECTION_STRING",
         std::string("AccountName=lakeside;BlobEndpoint=http://a.example;AccountKey=") + our_key}};
    const Access elsewhere = access(environment, {}, {"lakeside", "http://b.example/"});
    EXPECT_EQ(elsewhere.endpoint, "http://b.example");
    EXPECT_EQ(key(elsewhere), our_key);
    const Access anonymous = access(environment, {}, {.account = "lakeside", .anonymous = true});
    EXPECT_TRUE(anonymous.key.empty() && anonymous.sas.empty());
    EXPECT_EQ(anonymous.endpoint, "http://a.example");
}

TEST(AzureAccess, SaysWhatIsWrongWithoutShowingIt) {
    EXPECT_NE(refusal({}).find("set AZURE_STORAGE_KEY"), std::string::npos);
    StorageOptions options;
    options.azure_key = "secret!";
    EXPECT_NE(refusal({}, options).find("not base64"), std::string::npos);
    EXPECT_EQ(refusal({}, options).find("secret"), std::string::npos);
    for (const char* wrong : {"secret", "sv=1", "sig=secret secret", "sig=secret#", "sig=secret\n"}) {
        const std::string message = refusal({{"AZURE_STORAGE_SAS_TOKEN", wrong}});
        EXPECT_NE(message.find("AZURE_STORAGE_SAS_TOKEN is malformed"), std::string::npos) << message;
        EXPECT_EQ(message.find("secret"), std::string::npos);
    }
    const std::string message = refusal({{"AZURE_STORAGE_CONNECTION_STRING", "AccountName=lakeside;secret"}});
    EXPECT_NE(message.find("malformed"), std::string::npos);
    EXPECT_EQ(message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace eventlens::azure
