#pragma once

#include <filesystem>

#include "eventlens/engine.h"

namespace eventlens {

// Writes what a purge removed into `folder`, which is created if missing, as JSON, and returns the file. The
// name holds the purge's beginning and UUID: written again, it is the same file. It is there whole, and for
// good, or not at all.
std::filesystem::path write_receipt(const std::filesystem::path& folder, const PurgeReport& report);

}  // namespace eventlens
