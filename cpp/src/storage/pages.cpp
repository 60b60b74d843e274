#include "storage/pages.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace eventlens {

namespace {

// Markers of folders, and what people hide as they do in folders.
bool is_hidden(std::string_view key) {
    const std::string_view name = key.substr(key.rfind('/') + 1);
    return name.empty() || name.starts_with('.');
}

}  // namespace

void list_pages(const std::string& doing, const std::string& place, const ListOptions& options,
                const std::function<void(const StoredObject&)>& each, const AskPage& ask) {
    std::string token;
    do {
        Page page = ask(place + options.prefix, token);
        for (StoredObject& object : page.objects) {
            object.key.erase(0, place.size());
            if (!is_hidden(object.key) && (!options.wanted || options.wanted(object.key))) each(object);
        }
        if (!page.next.empty() && page.next == token)
            throw Error(ErrorCode::overloaded, doing + ": the listing does not go on");
        token = std::move(page.next);
    } while (!token.empty());
}

bool is_below(const std::string& prefix, const Page& page) {
    return std::ranges::all_of(page.objects,
                               [&](const StoredObject& object) { return object.key.starts_with(prefix); });
}

}  // namespace eventlens
