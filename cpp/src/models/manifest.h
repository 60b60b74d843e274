#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "eventlens/models.h"

namespace eventlens {

struct Manifest {
    std::vector<ModelEntry> entries;
    std::map<std::string, std::string> defaults;  // role -> name
};

// Reads a manifest file; its files' paths become absolute. Throws Error(not_found) or Error(bad_input) naming
// the file, the entry and the field that is wrong. Unknown fields are errors: they are mostly misspelt ones.
Manifest read_manifest(const std::filesystem::path& path);

}  // namespace eventlens
