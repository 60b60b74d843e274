#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace eventlens {

// Files put into a folder and taken out of it. `root` is the folder, ending in '/', and `key` a plain path
// below it. Links are not followed on the way: what is written stays below `root`, whoever else may write
// there. All throw as file_error() says.

// Puts the file in place whole, on the disk, or not at all. False: `only_if_absent`, and there is one.
bool write_in_folder(const std::string& root, const std::string& key, std::span<const std::byte> content,
                     bool only_if_absent);
bool copy_into_folder(const std::string& root, const std::string& key, const std::filesystem::path& file,
                      bool only_if_absent);

// No error when there is none.
void remove_from_folder(const std::string& root, const std::string& key);

// What the first two leave when they are killed, anywhere below a prefix, which ends in '/'.
void remove_parts_from_folder(const std::string& root, const std::string& prefix);

}  // namespace eventlens
