#pragma once

#include <memory>

#include "eventlens/storage.h"
#include "storage/url.h"

namespace eventlens {

// A bucket of Amazon S3 or of a service that speaks its language, or the part of it below a prefix:
// s3://BUCKET/PREFIX/?... as open_source() explains. Throws as open_source() does.
std::unique_ptr<const Store> open_s3(const Location& location, const StorageOptions& options);

}  // namespace eventlens
