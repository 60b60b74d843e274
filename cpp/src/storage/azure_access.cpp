#include "storage/azure_access.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/base64.h"

namespace eventlens::azure {

namespace {

constexpr const char* connection_variable = "AZURE_STORAGE_CONNECTION_STRING";

// Of the emulator, published by Microsoft and the same on every machine.
constexpr const char* development_account = "devstoreaccount1";
constexpr const char* development_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

std::string variable(const StorageOptions& options, const char* name) {
    const auto found = options.environment.find(name);
    return found == options.environment.end() ? std::string() : found->second;
}

std::string without_slash(std::string endpoint) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return endpoint;
}

std::vector<std::byte> key_of(const std::string& text, const std::string& where) {
    auto key = parse_base64(text);
    if (!key || key->empty())
        throw Error(ErrorCode::bad_input,
                    "the key of the storage account in " + where + " is malformed: it is not base64");
    return std::move(*key);
}

std::string sas_of(std::string text, const std::string& where) {
    if (text.starts_with('?')) text.erase(0, 1);
    const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '#'; });
    if (!printable || ('&' + text).find("&sig=") == std::string::npos) {
        throw Error(ErrorCode::bad_input, "the shared access signature in " + where +
                                              R"( is malformed: it does not read "sv=...&sig=...")");
    }
    return text;
}

// What a connection string says: parts separated by semicolons.
struct Connection {
    std::string account{};
    std::string endpoint{};
    std::string key{};
    std::string sas{};
};

std::map<std::string, std::string> parts_of(std::string_view text) {
    std::map<std::string, std::string> parts;
    while (!text.empty()) {
        const std::string_view part = text.substr(0, text.find(';'));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        const std::size_t equals = part.find('=');
        if (equals != std::string_view::npos) {
            parts[lower_case(part.substr(0, equals))] = part.substr(equals + 1);
        } else if (!part.empty()) {
            throw Error(ErrorCode::bad_input,
                        std::string(connection_variable) + " is malformed: one of its parts has no '='");
        }
    }
    return parts;
}

Connection parse_connection(std::string_view text) {
    std::map<std::string, std::string> parts = parts_of(text);
    if (lower_case(parts["usedevelopmentstorage"]) == "true") {
        const std::string& host = parts["developmentstorageproxyuri"];
        return {.account = development_account,
                .endpoint = (host.empty() ? "http://127.0.0.1" : without_slash(host)) + ":10000/" +
                            development_account,
                .key = development_key};
    }
    Connection connection{.account = parts["accountname"],
                          .endpoint = parts["blobendpoint"],
                          .key = parts["accountkey"],
                          .sas = parts["sharedaccesssignature"]};
    if (connection.endpoint.empty() && !connection.account.empty()) {
        const std::string& protocol = parts["defaultendpointsprotocol"];
        const std::string& suffix = parts["endpointsuffix"];
        connection.endpoint = (protocol.empty() ? "https" : protocol) + "://" + connection.account +
                              ".blob." + (suffix.empty() ? "core.windows.net" : suffix);
    }
    return connection;
}

// One that does not name its account belongs to that of its endpoint.
bool is_for(const Connection& connection, const std::string& account) {
    if (!connection.account.empty()) return connection.account == account;
    const std::string endpoint = without_slash(connection.endpoint);
    return endpoint.find("://" + account + '.') != std::string::npos || endpoint.ends_with('/' + account);
}

Error no_credentials(const std::string& account, const StorageOptions& options) {
    std::string message = "no key for the Azure storage account " + account +
                          ": set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or " + connection_variable +
                          ", or say anonymous=1 for a public container";
    for (const char* name : {connection_variable, "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"}) {
        if (!variable(options, name).empty()) message += std::string("; ") + name + " is for another account";
    }
    return {ErrorCode::bad_input, message};
}

}  // namespace

std::string default_endpoint(const std::string& account) {
    return "https://" + account + ".blob.core.windows.net";
}

Access find_access(const Wanted& wanted, const StorageOptions& options) {
    Connection connection = parse_connection(variable(options, connection_variable));
    if (!is_for(connection, wanted.account)) connection = {};

    Access access;
    access.endpoint = !wanted.endpoint.empty()       ? wanted.endpoint
                      : !connection.endpoint.empty() ? connection.endpoint
                                                     : default_endpoint(wanted.account);
    access.endpoint = without_slash(access.endpoint);
    if (wanted.anonymous) return access;

    const std::string named = variable(options, "AZURE_STORAGE_ACCOUNT");
    const bool ours = named.empty() || named == wanted.account;
    struct Place {
        const char* name;
        std::string key;
        std::string sas;
    };
    for (const Place& place :
         {Place{"the options", options.azure_key, options.azure_sas},
          Place{connection_variable, connection.key, connection.sas},
          Place{"AZURE_STORAGE_KEY", ours ? variable(options, "AZURE_STORAGE_KEY") : "", ""},
          Place{"AZURE_STORAGE_SAS_TOKEN", "", ours ? variable(options, "AZURE_STORAGE_SAS_TOKEN") : ""}}) {
        if (!place.key.empty()) {
            access.key = key_of(place.key, place.name);
            return access;
        }
        if (!place.sas.empty()) {
            access.sas = sas_of(place.sas, place.name);
            return access;
        }
    }
    throw no_credentials(wanted.account, options);
}

}  // namespace eventlens::azure
