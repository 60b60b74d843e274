#include <cstdio>
#include <exception>
#include <openvino/core/graph_util.hpp>
#include <string_view>

#include "eventlens/error.h"
#include "tools/dlib_resnet_graph.h"
#include "tools/yunet_graph.h"

// eventlens-convert-weights yunet|dlib-resnet WEIGHTS OUT.xml
// Writes OUT.xml and OUT.bin. Exit codes: 0 done, 1 cannot convert (the reason is on stderr), 2 wrong usage.
namespace {

std::shared_ptr<ov::Model> graph_of(std::string_view kind, const std::filesystem::path& weights) {
    if (kind == "yunet") return eventlens::yunet_graph(weights);
    if (kind == "dlib-resnet") return eventlens::dlib_resnet_graph(weights);
    return nullptr;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const auto graph = count == 4 ? graph_of(arguments[1], arguments[2]) : nullptr;
        if (!graph) {
            std::fputs("usage: eventlens-convert-weights yunet|dlib-resnet WEIGHTS OUT.xml\n", stderr);
            return 2;
        }
        constexpr bool half_precision = false;  // the graph keeps every bit of the weights
        ov::save_model(graph, arguments[3], half_precision);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "eventlens-convert-weights: %s\n", error.what());
        return 1;
    }
}
