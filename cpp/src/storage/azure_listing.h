#pragma once

#include <string_view>

#include "storage/pages.h"

namespace eventlens::azure {

// Reads the reply of List Blobs. Folders that accounts with a hierarchical namespace list like blobs are left
// out. A block blob's ETag is "md5:..." where the service knows it, so that it names the content: Azure's own
// ETags change with every write. Throws Error(overloaded) for anything but a whole listing.
Page parse_listing(std::string_view xml);

}  // namespace eventlens::azure
