#pragma once

#include <functional>

#include "eventlens/engine.h"

namespace eventlens {

// As Engine::do_index_run().
void do_index_run(Engine& engine, const Claim& claim, const IndexOptions& options,
                  const std::function<bool()>& stopped,
                  const std::function<void(const IndexRunCounts&)>& told);

}  // namespace eventlens
