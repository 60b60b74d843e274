#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "eventlens/models.h"

namespace eventlens {

// One output of a run. Borrowed: valid while the Run it came from lives.
struct TensorView {
    std::span<const float> values;
    std::vector<std::size_t> shape;
};

// The outputs of one run; gives the inference request back when it dies.
class Run {
  public:
    Run(Run&&) noexcept;
    Run& operator=(Run&&) noexcept;
    ~Run();

    std::span<const TensorView> outputs() const;

    struct Lease;
    explicit Run(std::unique_ptr<Lease> lease);

  private:
    std::unique_ptr<Lease> lease_;
};

// A network, loaded and verified. For each shape that is asked for, a static graph is compiled (a good part
// of a second) and kept until shapes used later have filled its place: static graphs run 1.3-2 times faster
// than dynamic ones, so callers should use few shapes (size buckets). Thread safety: const methods may run on
// many threads at once.
class Network {
  public:
    // Verifies the files' SHA-256 first. Throws as ModelStore::verify does, and Error(unsupported) when the
    // runtime cannot read the network. `store` must outlive the network.
    static Network load(const ModelStore& store, const ModelEntry& entry);

    Network(Network&&) noexcept;
    Network& operator=(Network&&) noexcept;
    ~Network();

    // `pixels` holds `count` images of `size`, uint8 RGB, packed row after row, image after image. Mean,
    // scale, channel order and layout are the graph's affair (baked in from the entry's InputSpec).
    Run run(std::span<const std::uint8_t> pixels, int count, Size size) const;

    const ModelEntry& entry() const;

    // How many images a run must have because the file says so, as TFLite files often do; 0: any number.
    int fixed_count() const;

    // text_recognizer: the characters, one for each class after the blank, from the entry or from the file
    // itself.
    const std::vector<std::string>& characters() const;

  private:
    struct Impl;
    explicit Network(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
