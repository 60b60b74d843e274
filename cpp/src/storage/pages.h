#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "eventlens/storage.h"

namespace eventlens {

// A part of a bucket's listing, as one reply holds it.
struct Page {
    std::vector<StoredObject> objects{};  // with whole keys
    std::string next{};                   // the token that asks for the next page; empty: this is the last
};

// Asks for one page of the objects whose whole keys begin with `prefix`.
using AskPage = std::function<Page(const std::string& prefix, const std::string& token)>;

// Lists what a bucket holds below `place`, which is empty or ends in '/', page by page: Source::listing().
// Leaves out what open_source() says. `doing` begins the message of the error for a listing that has no end.
std::unique_ptr<Listing> list_pages(std::string doing, std::string place, ListOptions options, AskPage ask);

// Whether all of a page is what was asked for.
bool is_below(const std::string& prefix, const Page& page);

}  // namespace eventlens
