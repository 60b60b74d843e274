#pragma once

#include <memory>
#include <string>

#include "eventlens/storage.h"

namespace eventlens {

// `path` is absolute, without links, and a folder. `uri` is its name as a source.
std::unique_ptr<const Store> open_folder(std::string path, std::string uri);

}  // namespace eventlens
