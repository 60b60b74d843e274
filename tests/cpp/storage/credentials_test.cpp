#include "storage/credentials.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "loopback_server.h"
#include "storage/aws_metadata.h"
#include "storage/http_date.h"

namespace eventlens::s3 {
namespace {

namespace fs = std::filesystem;

// A home folder that dies with the test.
class CredentialsTest : public ::testing::Test {
  protected:
    CredentialsTest() {
        std::string name = (fs::temp_directory_path() / "eventlens-home-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder");
        home_ = name;
        options_.environment = {{"HOME", home_.string()}, {"AWS_EC2_METADATA_DISABLED", "true"}};
    }
    ~CredentialsTest() override { fs::remove_all(home_); }

    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((home_ / name).parent_path());
        std::ofstream(home_ / name) << text;
    }

    std::string found(const std::string& profile = "") const {
        const Keys keys = Credentials(options_, profile).keys();
        return keys.access_key + "/" + keys.secret_key + "/" + keys.session_token;
    }

    std::string problem(const std::string& profile = "") const {
        try {
            const Credentials credentials(options_, profile);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::bad_input);
            return error.what();
        }
        return "no problem";
    }

    fs::path home_;
    StorageOptions options_;
};

std::string keys_json(const std::string& name, std::chrono::seconds valid) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t expires = std::chrono::duration_cast<std::chrono::seconds>(now + valid).count();
    return R"({"Code":"Success","AccessKeyId":")" + name +
           R"(","SecretAccessKey":"s","Token":"t","Expiration":")" + iso_time(expires) + "\"}";
}

std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(CredentialsTest, ComeFromTheNearestPlace) {
    write(".aws/config",
          "[default]\nregion = eu-west-1\n[profile club]\naws_access_key_id = c1\n"
          "aws_secret_access_key = c2\n");
    write(".aws/credentials",
          "[default]\naws_access_key_id=d1\naws_secret_access_key=d2=/+\naws_session_token = d3\n");
    EXPECT_EQ(found(), "d1/d2=/+/d3");
    EXPECT_EQ(found("club"), "c1/c2/");
    options_.environment["AWS_PROFILE"] = "club";
    EXPECT_EQ(found(), "c1/c2/");
    options_.environment["AWS_ACCESS_KEY_ID"] = "e1";
    options_.environment["AWS_SECRET_ACCESS_KEY"] = "e2";
    options_.environment["AWS_SESSION_TOKEN"] = "e3";
    EXPECT_EQ(found(), "e1/e2/e3");
    EXPECT_EQ(found("club"), "c1/c2/");  // asked for in so many words
    options_.access_key = "o1";
    options_.secret_key = "o2";
    EXPECT_EQ(found("club"), "o1/o2/");
}

TEST_F(CredentialsTest, FilesMayBeElsewhere) {
    write("here/keys", "[default]\naws_access_key_id=a\naws_secret_access_key=b\n");
    options_.environment["AWS_SHARED_CREDENTIALS_FILE"] = "~/here/keys";
    EXPECT_EQ(found(), "a/b/");
}

TEST_F(CredentialsTest, HalfAPairIsAMistake) {
    options_.environment["AWS_ACCESS_KEY_ID"] = "alone";
    EXPECT_NE(problem().find("only one of AWS_ACCESS_KEY_ID"), std::string::npos);
    options_.environment.erase("AWS_ACCESS_KEY_ID");
    write(".aws/credentials", "[default]\naws_access_key_id=alone\n");
    EXPECT_NE(problem().find("only one of aws_access_key_id"), std::string::npos);
    EXPECT_EQ(problem().find("alone"), std::string::npos);
    options_.secret_key = "alone";
    EXPECT_NE(problem().find("given together"), std::string::npos);
}

TEST_F(CredentialsTest, ThatAreNowhereAreToldWhereTheyWereLookedFor) {
    const std::string text = problem();
    const std::string home = home_.string();
    for (const std::string& part :
         std::vector<std::string>{"AWS_ACCESS_KEY_ID", home + "/.aws/credentials", home + "/.aws/config",
                                  "profile=NAME", "anonymous=1"})
        EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_NE(problem("club").find("no profile called club"), std::string::npos);
}

TEST_F(CredentialsTest, OfAWayThatIsNotSupportedSayHowToGetThem) {
    write(".aws/config", "[profile club]\nsso_session = main\nregion = eu-west-1\n");
    const std::string text = problem("club");
    EXPECT_NE(text.find("sso_session"), std::string::npos) << text;
    EXPECT_NE(text.find("export-credentials --profile club"), std::string::npos) << text;
}

TEST_F(CredentialsTest, MalformedFilesAreToldByLineWithoutTheirContent) {
    for (const std::string text : {"[default]\n\naws_secret_access_key hunter2\n", "[default]\n\n[club\n",
                                   "# a\n\nkey = hunter2\n", "[default]\n#\n= hunter2\n"}) {
        write(".aws/credentials", text);
        const std::string said = problem();
        EXPECT_NE(said.find((home_ / ".aws/credentials").string() + ", line 3: "), std::string::npos) << said;
        EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
    }
}

TEST_F(CredentialsTest, ProfilesSayWhereBucketsAre) {
    write(".aws/config",
          "; of the club\r\n[profile club]\r\nregion = auto\r\nendpoint_url = https://all.example.org\r\ns3 "
          "=\r\n"
          "  addressing_style = path\r\n  endpoint_url = https://s3.example.org\r\naws_access_key_id = a\r\n"
          "aws_secret_access_key = b\r\n[club]\nregion = wrong\n");
    const Profile profile = read_profile(options_.environment, "club");
    EXPECT_EQ(profile.region, "auto");
    EXPECT_EQ(profile.endpoint, "https://s3.example.org");
    EXPECT_EQ(profile.addressing, "path");
    EXPECT_EQ(profile.keys.secret_key, "b");
}

TEST_F(CredentialsTest, AreLentByContainersAndRenewed) {
    int asked = 0;
    std::chrono::seconds valid{3600};
    LoopbackServer service([&](const std::string& request) {
        const bool allowed = request.find("Authorization: pass\r\n") != std::string::npos;
        return allowed ? Reply{ok(keys_json("lent" + std::to_string(++asked), valid))}
                       : Reply{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"};
    });
    options_.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = service.url() + "/role";
    EXPECT_NE(problem().find("answered 403"), std::string::npos);
    write("token", "pass\n");
    options_.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (home_ / "token").string();
    const Credentials credentials(options_, "");
    EXPECT_EQ(credentials.keys().access_key, "lent1");
    EXPECT_EQ(credentials.keys().access_key, "lent1");
    EXPECT_TRUE(credentials.renew(credentials.keys()));
    EXPECT_EQ(credentials.keys().access_key, "lent2");
    valid = std::chrono::seconds(240);  // less than five minutes: they are renewed before they end
    const Credentials brief(options_, "");
    EXPECT_EQ(brief.keys().access_key, "lent4");
    options_.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.org/role";
    EXPECT_NE(problem().find("over https or from this machine only"), std::string::npos);
}

// Those of a run that is under way: nothing is wrong with what it asks for.
TEST_F(CredentialsTest, ThatEndAndAreNotLentAgainAreMissedUntilThereAreOthers) {
    std::string refusal;
    int asked = 0;
    LoopbackServer service([&](const std::string&) {
        ++asked;
        if (refusal.empty()) return Reply{ok(keys_json("lent", std::chrono::seconds(-9)))};
        return Reply{"HTTP/1.1 " + refusal + "\r\nContent-Length: 0\r\n\r\n"};
    });
    options_.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = service.url() + "/role";
    const auto code_of_asking = [&](const std::string& with) {
        refusal.clear();
        const Credentials credentials(options_, "");
        refusal = with;
        try {
            credentials.keys();
        } catch (const Error& error) {
            // Whoever asks next does not wait for it again.
            const int asked_before = asked;
            EXPECT_THROW(credentials.keys(), Error);
            EXPECT_EQ(asked, asked_before);
            EXPECT_NE(std::string(error.what()).find("answered " + with.substr(0, 3)), std::string::npos);
            return error.code();
        }
        return ErrorCode::internal;
    };
    EXPECT_EQ(code_of_asking("403 Forbidden"), ErrorCode::denied);
    EXPECT_EQ(code_of_asking("503 Busy"), ErrorCode::overloaded);
}

TEST_F(CredentialsTest, AreLentByMachines) {
    LoopbackServer service([&](const std::string& request) {
        if (request.starts_with("PUT /latest/api/token ") &&
            request.find("x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n") != std::string::npos)
            return Reply{ok("proof")};
        if (request.find("x-aws-ec2-metadata-token: proof\r\n") == std::string::npos)
            return Reply{"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"};
        if (request.starts_with("GET /latest/meta-data/iam/security-credentials/ "))
            return Reply{ok("the role\n")};
        if (request.starts_with("GET /latest/meta-data/iam/security-credentials/the%20role "))
            return Reply{ok(keys_json("machine", std::chrono::seconds(3600)))};
        return Reply{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
    });
    options_.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = service.url() + "/";
    EXPECT_NE(problem().find("no credentials"), std::string::npos);  // disabled
    options_.environment.erase("AWS_EC2_METADATA_DISABLED");
    EXPECT_EQ(found(), "machine/s/t");
    options_.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1";
    EXPECT_NE(problem().find("no credentials"), std::string::npos);
}

TEST_F(CredentialsTest, AreReadAnewWhenAProgramRewroteTheFile) {
    write(".aws/credentials", "[default]\naws_access_key_id=old\naws_secret_access_key=x\n");
    const Credentials credentials(options_, "");
    EXPECT_FALSE(credentials.renew(credentials.keys()));
    write(".aws/credentials", "[default]\naws_access_key_id=new\naws_secret_access_key=x\n");
    EXPECT_TRUE(credentials.renew(credentials.keys()));
    EXPECT_EQ(credentials.keys().access_key, "new");
}

TEST(LentKeysTest, AreWholeOrRefused) {
    EXPECT_EQ(parse_lent_keys(keys_json("a", std::chrono::seconds(9))).keys.session_token, "t");
    for (const char* broken :
         {"", "[]", "{}", "null", R"({"AccessKeyId":"a","SecretAccessKey":"b"})",
          R"({"AccessKeyId":1,"SecretAccessKey":"b","Expiration":"2026-11-22T09:30:00Z"})"})
        EXPECT_THROW(parse_lent_keys(broken), Error) << broken;
}

TEST(LentKeysTest, ComeFromNearByOnly) {
    for (const char* fine : {"https://example.org/x", "http://127.0.0.1/x", "http://localhost:8080/x",
                             "http://[::1]:1/", "http://169.254.170.2/v2", "http://[fd00:ec2::23]/v1"})
        EXPECT_TRUE(may_give_keys(fine)) << fine;
    for (const char* far : {"http://example.org/", "http://127.evil.org/", "ftp://127.0.0.1/",
                            "http://localhost.evil.org/", "http://127.0.0.1@evil.org/", "//127.0.0.1/"})
        EXPECT_FALSE(may_give_keys(far)) << far;
}

}  // namespace
}  // namespace eventlens::s3
