#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "eventlens/storage.h"

namespace eventlens::azure {

// The way into a storage account: where it answers, and what it takes for proof. Neither key nor SAS: public
// containers only.
struct Access {
    std::string endpoint;          // "https://lakesiderun.blob.core.windows.net": no '/' at the end
    std::vector<std::byte> key{};  // of the account
    std::string sas{};             // a shared access signature, as the query of a URL without its '?'
};

std::string default_endpoint(const std::string& account);

// What a location says by itself.
struct Wanted {
    std::string account;
    std::string endpoint{};  // empty: it does not say
    bool anonymous = false;
};

// Looks where people keep keys: in the options, then in AZURE_STORAGE_CONNECTION_STRING (the development
// storage included), then in AZURE_STORAGE_KEY and AZURE_STORAGE_SAS_TOKEN. Those of another account are
// passed over: a connection string says whose it is, and AZURE_STORAGE_ACCOUNT does so for the other two. The
// endpoint is the location's, else the connection string's, else Azure's own. Throws Error(bad_input), naming
// no secret, when there is nothing or what there is is malformed.
Access find_access(const Wanted& wanted, const StorageOptions& options);

}  // namespace eventlens::azure
