#include "storage/aws_metadata.h"

#include <nlohmann/json.hpp>

#include "storage/file.h"
#include "storage/s3_xml.h"
#include "storage/url.h"

namespace eventlens::s3 {

namespace {

using namespace std::chrono_literals;

// They answer within milliseconds, or are not there. Proxies never lead to them.
http::Settings near_by(int attempts) {
    http::Settings settings;
    settings.attempts = attempts;
    settings.connect_within = 1s;
    settings.stalled_after = 2s;
    return settings;
}

http::Response ask(const http::Client& client, const std::string& doing, const http::Request& request) {
    http::Call call;
    call.doing = doing;
    call.request = [&](const http::Resume&) { return request; };
    call.max_body = 64 << 10;
    return client.send(call);
}

void require_success(const http::Response& reply, const std::string& doing) {
    if (reply.status == 200) return;
    throw Error(http::is_busy(reply.status) ? ErrorCode::overloaded : ErrorCode::bad_input,
                doing + ": the service answered " + std::to_string(reply.status));
}

LentKeys ask_container(const Environment& environment, const std::string& url) {
    const std::string doing = "cannot get the container's credentials from " + http::host_of(url);
    if (!may_give_keys(url))
        throw Error(ErrorCode::bad_input,
                    doing + ": credentials are taken over https or from this machine only");
    http::Request request;
    request.url = url;
    std::string token = variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (const std::string file = variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        !file.empty()) {
        const std::vector<std::byte> bytes = read_file(file, 64 << 10);
        token.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    }
    if (!token.empty()) request.headers.emplace_back("Authorization", token);
    const http::Client client(near_by(2));
    const http::Response reply = ask(client, doing, request);
    require_success(reply, doing);
    return parse_lent_keys(reply.text());
}

std::optional<LentKeys> ask_machine(const Environment& environment) {
    std::string base = variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (base.empty()) base = "http://169.254.169.254";
    if (base.ends_with('/')) base.pop_back();
    const std::string doing = "cannot get the machine's credentials from " + http::host_of(base);
    const http::Client client(near_by(1));
    http::Response token;
    try {
        token = ask(
            client, doing,
            {"PUT", base + "/latest/api/token", {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}}, {}, {}});
    } catch (const Error&) {
        return std::nullopt;  // this is no machine of Amazon's
    }
    if (token.status != 200) return std::nullopt;
    const http::Headers proof{{"x-aws-ec2-metadata-token", std::string(token.text())}};
    const std::string roles = base + "/latest/meta-data/iam/security-credentials/";
    const http::Response role = ask(client, doing, {"GET", roles, proof, {}, {}});
    if (role.status == 404) return std::nullopt;  // a machine without a role
    require_success(role, doing);
    const std::string name(role.text().substr(0, role.text().find('\n')));
    const http::Response reply = ask(client, doing, {"GET", roles + percent_encoded(name), proof, {}, {}});
    require_success(reply, doing);
    return parse_lent_keys(reply.text());
}

}  // namespace

bool may_give_keys(std::string_view url) {
    if (url.starts_with("https://")) return true;
    if (!url.starts_with("http://")) return false;
    std::string host = http::host_of(url);
    if (host.starts_with('[')) {
        host = host.substr(0, host.find(']') + 1);
    } else {
        host = host.substr(0, host.find(':'));
    }
    const bool loopback =
        host == "localhost" || host == "[::1]" ||
        (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
    // Those of containers in ECS and EKS.
    return loopback || host == "169.254.170.2" || host == "169.254.170.23" || host == "[fd00:ec2::23]";
}

LentKeys parse_lent_keys(std::string_view json) {
    const nlohmann::json reply = nlohmann::json::parse(json, nullptr, false);
    const auto text = [&](const char* name) {
        const auto found = reply.is_object() ? reply.find(name) : reply.end();
        return found != reply.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    LentKeys lent{{text("AccessKeyId"), text("SecretAccessKey"), text("Token")}, 0};
    const auto expires = parse_iso_time(text("Expiration"));
    if (lent.keys.access_key.empty() || lent.keys.secret_key.empty() || !expires)
        throw Error(ErrorCode::bad_input, "the service of credentials sent something else than credentials");
    lent.expires = *expires / 1'000'000'000;
    return lent;
}

std::optional<LentKeys> ask_for_keys(const Environment& environment) {
    const std::string relative = variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (!relative.empty()) return ask_container(environment, "http://169.254.170.2" + relative);
    const std::string full = variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!full.empty()) return ask_container(environment, full);
    const std::string disabled = variable(environment, "AWS_EC2_METADATA_DISABLED");
    if (disabled == "true" || disabled == "True" || disabled == "TRUE") return std::nullopt;
    return ask_machine(environment);
}

}  // namespace eventlens::s3
