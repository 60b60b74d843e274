#pragma once

#include <string>
#include <string_view>

namespace eventlens {

// The header Content-Disposition that makes a browser save a file under this name (RFC 6266), in printable
// ASCII.
std::string content_disposition(std::string_view download_name);

}  // namespace eventlens
