#pragma once

#include <filesystem>

#include "eventlens/catalog.h"

namespace eventlens {

// Removes clips that were being cut when their process was killed: files that nobody has written to for an
// hour, and their folders.
void remove_forgotten_cuts(const std::filesystem::path& folder);

// Those that were made a month ago and before.
void remove_old_deliveries(Catalog& catalog);

}  // namespace eventlens
