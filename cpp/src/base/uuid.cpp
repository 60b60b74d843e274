#include "base/uuid.h"

#include <uuid/uuid.h>

namespace eventlens {

Uuid make_uuid() {
    Uuid uuid{};
    uuid_generate_random(uuid.data());
    return uuid;
}

std::string uuid_text(const Uuid& uuid) {
    std::array<char, UUID_STR_LEN> text{};
    uuid_unparse_lower(uuid.data(), text.data());
    return text.data();
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    Uuid uuid{};
    // The length is checked here: a NUL inside `text` would end it early for the library.
    if (text.size() != UUID_STR_LEN - 1 || text.find('\0') != text.npos) return std::nullopt;
    if (uuid_parse(std::string(text).c_str(), uuid.data()) != 0) return std::nullopt;
    return uuid;
}

}  // namespace eventlens
