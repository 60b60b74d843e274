#include "engine/housekeeping.h"

#include <chrono>
#include <utility>
#include <vector>

#include "engine/shift.h"
#include "eventlens/engine.h"

namespace eventlens {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours forgotten_after{1};
constexpr std::chrono::hours deliveries_kept{30 * 24};

}  // namespace

void remove_forgotten_cuts(const fs::path& folder) {
    const auto now = fs::file_time_type::clock::now();
    std::error_code gone;  // what another process has just removed; what stays is tried again
    std::vector<fs::path> forgotten;
    for (fs::recursive_directory_iterator at(folder, gone), end; !gone && at != end; at.increment(gone)) {
        const auto written = at->last_write_time(gone);
        if (!gone && now - written > forgotten_after) forgotten.push_back(at->path());
        gone.clear();
    }
    // Files before their folders, of which those go that are empty.
    for (auto path = forgotten.rbegin(); path != forgotten.rend(); ++path) fs::remove(*path, gone);
}

void remove_old_deliveries(Catalog& catalog) {
    const auto before = std::chrono::system_clock::now() - deliveries_kept;
    catalog.remove_deliveries(
        std::chrono::duration_cast<std::chrono::milliseconds>(before.time_since_epoch()).count());
}

struct Housekeeper::Impl {
    Impl(Engine& engine, const HousekeeperOptions& options)
        : shift(
              1, options.every,
              [&engine, tell = options.on_problem](const std::atomic<bool>&) {
                  for (const IndexFailure& left : engine.keep_house()) {
                      if (tell) tell(left.key + ": " + left.reason);
                  }
                  return false;
              },
              options.on_problem) {}

    Shift shift;
};

Housekeeper::Housekeeper(Engine& engine, const HousekeeperOptions& options)
    : impl_(std::make_unique<Impl>(engine, options)) {}
Housekeeper::~Housekeeper() = default;

}  // namespace eventlens
