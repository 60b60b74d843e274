#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "eventlens/engine.h"
#include "eventlens/storage.h"

namespace eventlens {

class RenditionMaker;

// Bytes; a larger "photo" is refused unread.
constexpr std::int64_t largest_photo_file = 512LL << 20;

// Names every list of paths. Listing one adds photos, and says nothing about those it does not list.
constexpr std::string_view path_list_uri = "paths:";

// Everything one run of Engine::index works with.
struct IndexRun {
    Catalog& catalog;
    EventId event;
    const Source& source;
    bool whole_source = true;  // what is not listed is gone
    Recognition recognition;
    const FaceFinder* faces = nullptr;  // not needed for a dry run
    const BibReader* bibs = nullptr;
    RenditionMaker* renditions = nullptr;                 // nothing: none are made
    std::function<bool(std::string_view key)> is_ours{};  // a file of ours in the source, which is no photo
    int workers = 1;
    const IndexOptions& options;
    std::atomic<bool>& ending;  // set when the run ends: whoever waits for the source may stop waiting
};

IndexReport run_index(const IndexRun& run);

}  // namespace eventlens
