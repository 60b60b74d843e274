#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>
#include <string>
#include <thread>

#include "base/sha256.h"
#include "eventlens/error.h"
#include "eventlens/models.h"
#include "models/network.h"
#include "test_models.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace eventlens {
namespace {

namespace fs = std::filesystem;

// A folder with a one-layer network: the mean of each channel over the picture, so that outputs can be told
// by hand.
class Models : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("eventlens_models_" + std::to_string(::getpid()));
        fs::create_directories(folder_);
        const auto input =
            std::make_shared<ov::op::v0::Parameter>(ov::element::f32, ov::PartialShape{-1, 3, -1, -1});
        const auto axes = ov::op::v0::Constant::create(ov::element::i64, {2}, {2, 3});
        const auto mean = std::make_shared<ov::op::v1::ReduceMean>(input, axes, false);
        const auto model = std::make_shared<ov::Model>(ov::OutputVector{mean}, ov::ParameterVector{input});
        ov::save_model(model, folder_ / "mean.xml", false);
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string file(const char* name) const {
        return std::string(R"({"path": ")") + name + R"(", "sha256": ")" +
               sha256_hex_of_file(folder_ / name) + R"("})";
    }

    std::string entry(const std::string& fields = "") const {
        return R"({"name": "mean", "role": "text_detector", "licence": "ours", "provenance": "made by a test", "files": [)" +
               file("mean.xml") + ", " + file("mean.bin") + "]" + fields + "}";
    }

    fs::path manifest(const std::string& models, const std::string& more = "",
                      const char* name = "manifest.json") const {
        std::ofstream(folder_ / name) << R"({"schema": 1, "models": [)" << models << "]" << more << "}";
        return folder_ / name;
    }

    static std::shared_ptr<const ModelStore> open(const fs::path& manifest,
                                                  const RuntimeOptions& options = {}) {
        const std::array manifests{manifest};
        return ModelStore::open(manifests, options);
    }

    fs::path folder_;
};

ErrorCode code_of(const auto& action, std::string* message = nullptr) {
    try {
        action();
    } catch (const Error& error) {
        if (message) *message = error.what();
        return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::internal;
}

TEST_F(Models, RunsANetworkWithItsPreprocessing) {
    const auto store =
        open(manifest(entry(R"(, "input": {"bgr": true, "mean": [10, 20, 30], "scale": [2, 4, 5]})")),
             {.precision = Precision::f32, .threads = 1});
    const Network network = Network::load(*store, store->entry("mean"));
    const std::vector<std::uint8_t> two_pixels{50, 60, 70, 54, 64, 74};  // R, G, B, R, G, B
    const auto run = network.run(two_pixels, 1, {2, 1});
    ASSERT_EQ(run.outputs().size(), 1U);
    const TensorView output = run.outputs().front();
    EXPECT_EQ(output.shape, (std::vector<std::size_t>{1, 3}));
    EXPECT_FLOAT_EQ(output.values[0], (72.0F - 10) / 2);  // blue comes first
    EXPECT_FLOAT_EQ(output.values[1], (62.0F - 20) / 4);
    EXPECT_FLOAT_EQ(output.values[2], (52.0F - 30) / 5);
}

TEST_F(Models, RunsFromManyThreadsAgree) {
    const auto store = open(manifest(entry()), {.precision = Precision::f32, .threads = 2});
    const Network network = Network::load(*store, store->entry("mean"));
    std::vector<std::thread> threads;
    std::array<bool, 8> right{};
    for (std::size_t t = 0; t < right.size(); ++t) {
        threads.emplace_back([&, t] {
            const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(3 * 16 * 16),
                                                   static_cast<std::uint8_t>(t));
            right[t] = true;
            for (int i = 0; i < 50; ++i) {
                const auto run = network.run(pixels, 1, {16, 16});
                if (run.outputs().front().values[0] != static_cast<float>(t)) right[t] = false;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const bool fine : right) EXPECT_TRUE(fine);
}

// Graphs of shapes that were not used lately are dropped to bound memory; runs under way keep theirs.
TEST_F(Models, AnswersRightWhileShapesComeAndGo) {
    const auto store = open(manifest(entry()), {.precision = Precision::f32, .threads = 1});
    const Network network = Network::load(*store, store->entry("mean"));
    const std::vector<std::uint8_t> pixels(std::size_t{3} * 3000 * 2600, 2);  // their sum is exact in float
    const auto part = [&](Size size) {
        return std::span(pixels).first(static_cast<std::size_t>(3 * size.width * size.height));
    };
    const auto held = network.run(part({3000, 2000}), 1, {3000, 2000});
    for (int height = 2100; height <= 2600; height += 100) {
        const auto run = network.run(part({3000, height}), 1, {3000, height});
        EXPECT_NEAR(run.outputs().front().values[0], 2, 1e-3) << height;
    }
    EXPECT_NEAR(held.outputs().front().values[0], 2, 1e-3);
    EXPECT_NEAR(network.run(part({3000, 2000}), 1, {3000, 2000}).outputs().front().values[0], 2, 1e-3);
}

TEST_F(Models, RefusesAChangedFileWithTheRemedy) {
    const auto store = open(manifest(entry()));
    std::ofstream(folder_ / "mean.bin", std::ios::app) << "x";
    std::string message;
    EXPECT_EQ(code_of([&] { (void)Network::load(*store, store->entry("mean")); }, &message),
              ErrorCode::bad_input);
    EXPECT_NE(message.find("eventlens models fetch"), std::string::npos) << message;
}

TEST_F(Models, RefusesAMissingFileWithTheRemedy) {
    const auto store = open(manifest(entry()));
    fs::remove(folder_ / "mean.bin");
    std::string message;
    EXPECT_EQ(code_of([&] { store->verify(store->entry("mean")); }, &message), ErrorCode::not_found);
    EXPECT_NE(message.find("eventlens models fetch"), std::string::npos) << message;
}

TEST_F(Models, RefusesANetworkThatIsNone) {
#if defined(__SANITIZE_ADDRESS__)
    // The runtime's readers lose 8 bytes of their own when none of them knows a file.
    const __lsan::ScopedDisabler not_ours;
#endif
    std::ofstream(folder_ / "mean.xml") << "not a network";
    const auto store = open(manifest(entry()));
    EXPECT_EQ(code_of([&] { (void)Network::load(*store, store->entry("mean")); }), ErrorCode::unsupported);
}

TEST_F(Models, SaysWhatIsWrongWithAManifest) {
    const auto complaint = [&](const std::string& models, const std::string& more = "") {
        std::string message;
        EXPECT_EQ(code_of([&] { open(manifest(models, more)); }, &message), ErrorCode::bad_input) << models;
        return message;
    };
    EXPECT_NE(complaint(entry(R"(, "lisence": "MIT")")).find("lisence"), std::string::npos);
    EXPECT_NE(complaint(entry(R"(, "input": {"mean": [1, 2]})")).find("mean"), std::string::npos);
    EXPECT_NE(complaint(entry(R"(, "input": {"scale": [1, 0, 1]})")).find("scale"), std::string::npos);
    EXPECT_NE(complaint(R"({"name": "x"})").find("role"), std::string::npos);
    EXPECT_NE(complaint(entry() + "," + entry()).find("already known"), std::string::npos);
    EXPECT_NE(complaint(entry(), R"(, "defaults": {"text_detector": "nobody"})").find("nobody"),
              std::string::npos);
    EXPECT_NE(complaint("{").find("not JSON"), std::string::npos);
}

TEST_F(Models, RefusesAManifestFromTheFuture) {
    std::ofstream(folder_ / "manifest.json") << R"({"schema": 2, "models": []})";
    EXPECT_EQ(code_of([&] { open(folder_ / "manifest.json"); }), ErrorCode::unsupported);
}

TEST_F(Models, AUsersManifestAddsToOursAndMayChangeDefaults) {
    const auto ours = manifest(entry(), R"(, "defaults": {"text_detector": "mean"})");
    std::string mine = entry();
    mine.replace(mine.find("\"mean\""), 6, "\"mine\"");
    const std::array manifests{ours,
                               manifest(mine, R"(, "defaults": {"text_detector": "mine"})", "mine.json")};
    const auto store = ModelStore::open(manifests);
    EXPECT_EQ(store->entries().size(), 2U);
    EXPECT_EQ(store->default_for("text_detector").name, "mine");
    EXPECT_EQ(code_of([&] { (void)store->entry("nobody"); }), ErrorCode::not_found);
}

TEST_F(Models, AnEmbedderOfPartsMustAddUp) {
    const std::string embedder =
        R"({"name": "a", "role": "face_embedder", "licence": "ours", "provenance": "test",
        "input": {"width": 8, "height": 8}, "alignment": [[1,1],[2,1],[1,2],[1,3],[2,3]], "output_size": 3, "files": [)" +
        file("mean.xml") + "]}";
    const auto fused = [](int size) {
        return R"({"name": "b", "role": "face_embedder", "licence": "ours", "provenance": "test", "output_size": )" +
               std::to_string(size) +
               R"(, "parts": [{"model": "a", "weight": 1}, {"model": "a", "weight": 2}]})";
    };
    EXPECT_EQ(open(manifest(embedder + "," + fused(6)))->entry("b").parts.size(), 2U);
    EXPECT_EQ(code_of([&] { open(manifest(embedder + "," + fused(7))); }), ErrorCode::bad_input);
}

TEST_F(Models, AnEmbedderSaysWhereItWantsTheLandmarks) {
    const auto embedder = [&](const std::string& views) {
        return R"({"name": "a", "role": "face_embedder", "licence": "ours", "provenance": "test", "output_size": 3,
            "input": {"width": 8, "height": 8}, "files": [)" +
               file("mean.xml") + "]" + views + "}";
    };
    const std::string five = R"("alignment": [[1,1],[2,1],[1,2],[1,3],[2,3.5]])";
    const auto one = open(manifest(embedder(", " + five)))->entry("a").views;
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].alignment[4], (Point{2, 3.5F}));
    EXPECT_FALSE(one[0].mirrored);

    const auto list = [&](const std::string& views) { return R"(, "views": [)" + views + "]"; };
    const auto two = open(manifest(embedder(list("{" + five + "}, {" + five + R"(, "mirrored": true})"))))
                         ->entry("a")
                         .views;
    ASSERT_EQ(two.size(), 2U);
    EXPECT_EQ(two[0].alignment, one[0].alignment);
    EXPECT_EQ(two[1].alignment, one[0].alignment);
    EXPECT_FALSE(two[0].mirrored);
    EXPECT_TRUE(two[1].mirrored);

    const auto refused = [&](const std::string& views) {
        return code_of([&] { open(manifest(embedder(views))); }) == ErrorCode::bad_input;
    };
    EXPECT_TRUE(refused("")) << "no landmarks at all";
    EXPECT_TRUE(refused(R"(, "alignment": [[1,1],[2,1],[1,2],[1,3]])")) << "four points";
    EXPECT_TRUE(refused(list(""))) << "no view";
    EXPECT_TRUE(refused(list(R"({"mirrored": true})"))) << "a view without landmarks";
    EXPECT_TRUE(refused(list("{" + five + R"(, "flip": true})"))) << "a field that is none";
    EXPECT_TRUE(refused(", " + five + list("{" + five + "}"))) << "both forms";
}

TEST(FetchedModels, AreWhatTheManifestSays) {
    SKIP_WITHOUT_MODELS();
    const auto store = testing::open_fetched_models();
    EXPECT_FALSE(store->entries().empty());
    for (const ModelEntry& entry : store->entries()) EXPECT_NO_THROW(store->verify(entry)) << entry.name;
}

}  // namespace
}  // namespace eventlens
