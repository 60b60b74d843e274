#pragma once

#include <functional>
#include <map>
#include <openvino/openvino.hpp>
#include <string>
#include <vector>

#include "eventlens/models.h"

namespace eventlens {

struct ModelStore::Impl {
    std::vector<ModelEntry> entries;
    std::map<std::string, std::string> defaults;  // role -> name
    bool bf16 = false;
    int threads = 1;
    std::function<void(const std::string& model, double seconds)> on_run;
    mutable ov::Core core;  // its methods are safe to call from many threads, but not const
};

}  // namespace eventlens
