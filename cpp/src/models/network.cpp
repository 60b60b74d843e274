#include "models/network.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <numeric>
#include <sstream>
#include <tuple>
#include <utility>

#include "eventlens/error.h"
#include "models/store_impl.h"

namespace eventlens {

namespace {

// Of the inputs of the graphs that a network keeps. Memory goes with it, some 50 MB a megapixel for the face
// detector: enough for the shapes of a few cameras, in both orientations, and not for every shape that ever
// came by.
constexpr std::int64_t most_pixels_kept = 16'000'000;

// A static graph for one input shape, and the inference requests that wait for work.
struct Compiled {
    std::int64_t pixels = 0;  // of its input
    std::uint64_t used = 0;   // when last, counted in uses of the network
    ov::CompiledModel model;
    std::mutex mutex;
    std::vector<ov::InferRequest> idle;

    ov::InferRequest take() {
        {
            const std::lock_guard lock(mutex);
            if (!idle.empty()) {
                ov::InferRequest request = std::move(idle.back());
                idle.pop_back();
                return request;
            }
        }
        return model.create_infer_request();
    }

    void give_back(ov::InferRequest request) {
        const std::lock_guard lock(mutex);
        idle.push_back(std::move(request));
    }
};

// Wraps the network so that it takes uint8 NHWC RGB and does the entry's preprocessing itself.
std::shared_ptr<ov::Model> with_preprocessing(std::shared_ptr<ov::Model> model, const InputSpec& input) {
    if (input.raw_bytes) return model;
    ov::preprocess::PrePostProcessor processor(model);
    processor.input().tensor().set_element_type(ov::element::u8).set_layout("NHWC");
    processor.input().model().set_layout(input.channels_first ? "NCHW" : "NHWC");
    auto& steps = processor.input().preprocess();
    steps.convert_element_type(ov::element::f32);
    if (input.bgr) steps.reverse_channels();
    steps.mean({input.mean.begin(), input.mean.end()});
    steps.scale({input.scale.begin(), input.scale.end()});
    return processor.build();
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// PaddleOCR's exporter writes the characters, one a line, into the ONNX metadata; the space is the class
// after them.
std::vector<std::string> characters_in(const ov::Model& model) {
    if (!model.has_rt_info("framework", "character")) return {};
    std::vector<std::string> characters = lines_of(model.get_rt_info<std::string>("framework", "character"));
    characters.emplace_back(" ");
    return characters;
}

}  // namespace

struct Network::Impl {
    const ModelEntry* entry = nullptr;
    const ModelStore::Impl* runtime = nullptr;
    std::shared_ptr<ov::Model> model;
    std::vector<std::string> characters;
    int fixed_count = 0;
    std::mutex mutex;
    std::uint64_t uses = 0;
    std::map<std::tuple<int, int, int>, std::shared_ptr<Compiled>> compiled;  // (count, height, width)

    std::shared_ptr<Compiled> compile(int count, Size size) {
        const std::lock_guard lock(mutex);
        auto& slot = compiled[{count, size.height, size.width}];
        if (!slot) {
            const auto fixed = model->clone();
            fixed->reshape(ov::PartialShape{count, size.height, size.width, 3});
            auto fresh = std::make_shared<Compiled>();
            fresh->pixels = std::int64_t{count} * size.height * size.width;
            fresh->model = runtime->core.compile_model(
                fixed, "CPU", ov::num_streams(runtime->threads), ov::inference_num_threads(runtime->threads),
                ov::hint::enable_cpu_pinning(false),
                ov::hint::inference_precision(runtime->bf16 ? ov::element::bf16 : ov::element::f32));
            slot = std::move(fresh);
        }
        slot->used = ++uses;
        std::shared_ptr<Compiled> wanted = slot;
        forget_the_longest_unused();
        return wanted;
    }

    // Runs under way keep their graph alive; it is gone when the last of them is.
    void forget_the_longest_unused() {
        const auto pixels = [&] {
            return std::accumulate(
                compiled.begin(), compiled.end(), std::int64_t{0},
                [](std::int64_t sum, const auto& item) { return sum + item.second->pixels; });
        };
        while (compiled.size() > 1 && pixels() > most_pixels_kept) {
            compiled.erase(std::min_element(
                compiled.begin(), compiled.end(),
                [](const auto& a, const auto& b) { return a.second->used < b.second->used; }));
        }
    }
};

struct Run::Lease {
    std::shared_ptr<Compiled> compiled;
    ov::InferRequest request;
    std::vector<TensorView> outputs;
    ~Lease() {
        if (compiled) compiled->give_back(std::move(request));
    }
};

Run::Run(std::unique_ptr<Lease> lease) : lease_(std::move(lease)) {}
Run::Run(Run&&) noexcept = default;
Run& Run::operator=(Run&&) noexcept = default;
Run::~Run() = default;

std::span<const TensorView> Run::outputs() const {
    return lease_->outputs;
}

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Network Network::load(const ModelStore& store, const ModelEntry& entry) {
    store.verify(entry);
    if (entry.files.empty())
        throw Error(ErrorCode::internal, "model '" + entry.name + "' has no network of its own");
    auto impl = std::make_unique<Impl>();
    impl->entry = &entry;
    impl->runtime = &store.impl();
    try {
        const auto model = store.impl().core.read_model(entry.files.front().path.string());
        const ov::PartialShape shape = model->input().get_partial_shape();
        if (shape.rank().is_static() && shape.size() > 0 && shape[0].is_static())
            impl->fixed_count = static_cast<int>(shape[0].get_length());
        impl->characters = entry.characters.empty() ? characters_in(*model) : entry.characters;
        impl->model = with_preprocessing(model, entry.input);
    } catch (const ov::Exception& error) {
        throw Error(ErrorCode::unsupported, "model '" + entry.name + "' cannot be read: " + error.what());
    }
    return Network(std::move(impl));
}

Run Network::run(std::span<const std::uint8_t> pixels, int count, Size size) const {
    const ov::Shape shape{static_cast<std::size_t>(count), static_cast<std::size_t>(size.height),
                          static_cast<std::size_t>(size.width), 3};
    if (count < 1 || size.width < 1 || size.height < 1 || pixels.size() != ov::shape_size(shape)) {
        throw Error(ErrorCode::internal, "model '" + impl_->entry->name + "': pixels do not fit the shape");
    }
    try {
        auto lease = std::make_unique<Run::Lease>();
        lease->compiled = impl_->compile(count, size);
        lease->request = lease->compiled->take();
        // The runtime only reads the input; its tensor type has no const form that wraps memory.
        lease->request.set_input_tensor(
            ov::Tensor(ov::element::u8, shape, const_cast<std::uint8_t*>(pixels.data())));
        const auto begun = std::chrono::steady_clock::now();
        lease->request.infer();
        if (const auto& tell = impl_->runtime->on_run)
            tell(impl_->entry->name,
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
        for (std::size_t i = 0; i < lease->compiled->model.outputs().size(); ++i) {
            const ov::Tensor tensor = lease->request.get_output_tensor(i);
            lease->outputs.push_back({{tensor.data<const float>(), tensor.get_size()}, tensor.get_shape()});
        }
        return Run(std::move(lease));
    } catch (const ov::Exception& error) {
        throw Error(ErrorCode::unsupported, "model '" + impl_->entry->name + "' cannot run: " + error.what());
    }
}

const ModelEntry& Network::entry() const {
    return *impl_->entry;
}

int Network::fixed_count() const {
    return impl_->fixed_count;
}

const std::vector<std::string>& Network::characters() const {
    return impl_->characters;
}

}  // namespace eventlens
