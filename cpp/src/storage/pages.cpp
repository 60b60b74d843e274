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

class PagedListing : public Listing {
  public:
    PagedListing(std::string doing, std::string place, ListOptions options, AskPage ask)
        : doing_(std::move(doing)),
          place_(std::move(place)),
          options_(std::move(options)),
          ask_(std::move(ask)) {}

    std::vector<StoredObject> next() override {
        std::vector<StoredObject> objects;
        while (objects.empty() && !was_last_) objects = next_page();
        return objects;
    }

  private:
    // What is wanted of it, with keys behind the place.
    std::vector<StoredObject> next_page() {
        Page page = ask_(place_ + options_.prefix, token_);
        if (!page.next.empty() && page.next == token_)
            throw Error(ErrorCode::overloaded, doing_ + ": the listing does not go on");
        token_ = std::move(page.next);
        was_last_ = token_.empty();
        for (StoredObject& object : page.objects) object.key.erase(0, place_.size());
        std::erase_if(page.objects, [&](const StoredObject& object) {
            return is_hidden(object.key) || (options_.wanted && !options_.wanted(object.key));
        });
        return std::move(page.objects);
    }

    std::string doing_;
    std::string place_;
    ListOptions options_;
    AskPage ask_;
    std::string token_;
    bool was_last_ = false;
};

}  // namespace

std::unique_ptr<Listing> list_pages(std::string doing, std::string place, ListOptions options, AskPage ask) {
    return std::make_unique<PagedListing>(std::move(doing), std::move(place), std::move(options),
                                          std::move(ask));
}

bool is_below(const std::string& prefix, const Page& page) {
    return std::ranges::all_of(page.objects,
                               [&](const StoredObject& object) { return object.key.starts_with(prefix); });
}

}  // namespace eventlens
