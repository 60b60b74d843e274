#pragma once

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "eventlens/models.h"

namespace eventlens::testing {

// The fetched model manifest, from the environment variable EVENTLENS_MODELS (a folder; ./run sets it), or
// nothing.
inline std::optional<std::filesystem::path> fetched_manifest() {
    const char* folder = std::getenv("EVENTLENS_MODELS");
    if (!folder) return std::nullopt;
    const std::filesystem::path manifest = std::filesystem::path(folder) / "manifest.json";
    if (!std::filesystem::exists(manifest)) return std::nullopt;
    return manifest;
}

inline std::shared_ptr<const ModelStore> open_fetched_models(const RuntimeOptions& options = {}) {
    const std::array manifests{fetched_manifest().value()};
    return ModelStore::open(manifests, options);
}

}  // namespace eventlens::testing

// In a TEST: skips it, with the remedy, where the models were not fetched.
#define SKIP_WITHOUT_MODELS()                                                               \
    if (!eventlens::testing::fetched_manifest()) {                                          \
        GTEST_SKIP() << "no models: run `eventlens models fetch` and set EVENTLENS_MODELS"; \
    }
