#pragma once

#include <memory>

#include "eventlens/storage.h"
#include "storage/url.h"

namespace eventlens {

// A container of Azure Blob Storage, or the part of it below a prefix: az://ACCOUNT/CONTAINER/PREFIX/?... as
// open_source() explains. Throws as open_source() does.
std::unique_ptr<const Store> open_azure(const Location& location, const StorageOptions& options);

}  // namespace eventlens
