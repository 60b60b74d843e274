#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "eventlens/engine.h"
#include "eventlens/error.h"
#include "test_models.h"

namespace eventlens {
namespace {

namespace fs = std::filesystem;

// A workspace and a folder of photos that show nobody. What the engine finds in photos of people is tested
// from Python, on the sample event; here it is the threads.
class EngineStory : public ::testing::Test {
  protected:
    void SetUp() override {
        SKIP_WITHOUT_MODELS();
        folder_ = fs::path(::testing::TempDir()) / ("engine-" + std::to_string(getpid()));
        fs::remove_all(folder_);
        fs::create_directories(folder_ / "photos");
        for (int i = 0; i < 12; ++i) write_photo("photo" + std::to_string(i) + ".jpg", i);
        EngineOptions options;
        options.manifests = {*testing::fetched_manifest()};
        options.runtime.threads = 2;
        engine_.emplace(Engine::open(folder_ / "season", options));
        EventSettings settings;
        settings.name = "Race";
        event_ = engine_->create_event(settings);
    }
    void TearDown() override {
        engine_.reset();
        fs::remove_all(folder_);
    }

    void write_photo(const std::string& name, int seed) const {
        std::mt19937 random(static_cast<unsigned>(seed));
        std::uniform_int_distribution<int> value(90, 140);
        Image small({40 + seed, 30}, PixelFormat::rgb8);
        for (std::uint8_t& channel : small.pixels()) channel = static_cast<std::uint8_t>(value(random));
        const Image image = resize_image(small.view(), {320, 240});
        const std::vector<std::byte> jpeg = encode_jpeg(image.view());
        std::ofstream(folder_ / "photos" / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(jpeg.data()), static_cast<std::streamsize>(jpeg.size()));
    }

    IndexReport index(const IndexOptions& options = {}) {
        return engine_->index(event_, (folder_ / "photos").string(), options);
    }

    fs::path folder_;
    std::optional<Engine> engine_;
    EventId event_ = 0;
};

TEST_F(EngineStory, SearchesRunBesideAnIndexRun) {
    std::atomic<bool> done{false};
    std::atomic<int> searches{0};
    std::vector<std::thread> searchers;
    for (int i = 0; i < 2; ++i) {
        searchers.emplace_back([&] {
            while (!done) {
                EXPECT_TRUE(engine_->find_bib(event_, "1234").empty());
                ++searches;
            }
        });
    }
    const IndexReport report = index({.workers = 2});
    done = true;
    for (std::thread& searcher : searchers) searcher.join();
    EXPECT_EQ(report.added, 12);
    EXPECT_TRUE(report.failed.empty());
    EXPECT_GT(searches, 0);
    EXPECT_EQ(engine_->gallery_stats(event_).photos, 12U);
}

TEST_F(EngineStory, TwoRunsAtOnceAddEachPhotoOnce) {
    std::vector<std::thread> runs;
    for (int i = 0; i < 2; ++i) runs.emplace_back([&] { EXPECT_TRUE(index({.workers = 1}).failed.empty()); });
    for (std::thread& run : runs) run.join();
    EXPECT_EQ(engine_->catalog().counts(event_).processed, 12);
    EXPECT_EQ(index().unchanged, 12);
}

TEST_F(EngineStory, WhatProgressThrowsEndsTheRunAndKeepsWhatIsDone) {
    struct Stop {};
    IndexOptions options;
    options.workers = 2;
    options.progress = [](const IndexProgress& progress) {
        if (progress.total > 0) throw Stop{};
    };
    EXPECT_THROW(index(options), Stop);
    const auto kept = engine_->catalog().counts(event_).processed;
    const IndexReport rest = index();
    EXPECT_EQ(rest.unchanged, kept);
    EXPECT_EQ(rest.added, 12 - kept);
}

TEST_F(EngineStory, AFailureIsRememberedUntilThePhotoChanges) {
    std::ofstream(folder_ / "photos" / "photo3.jpg") << "no photo";
    const IndexReport first = index();
    ASSERT_EQ(first.failed.size(), 1U);
    EXPECT_EQ(first.failed.front().key, "photo3.jpg");
    EXPECT_EQ(index().unchanged, 12);
    write_photo("photo3.jpg", 3);
    EXPECT_EQ(index().updated, 1);
    EXPECT_EQ(engine_->catalog().counts(event_).failed, 0);
}

TEST_F(EngineStory, WhatWasDeletedForGoodIsLeftAlone) {
    index();
    const auto source = engine_->catalog().sources(event_).at(0).id;
    const auto photo = engine_->catalog().find_photo_by_key(source, "photo3.jpg").value();
    EXPECT_EQ(engine_->catalog().delete_photos(event_, std::vector{photo.id}), 1U);
    write_photo("photo3.jpg", 33);  // nor do other contents bring it back
    const IndexReport report = index();
    EXPECT_EQ(report.added, 0);
    EXPECT_EQ(report.updated, 0);
    EXPECT_EQ(report.removed, 0);
    EXPECT_EQ(report.unchanged, 11);
    EXPECT_EQ(index({.dry_run = true}).added, 0);
    EXPECT_EQ(engine_->catalog().counts(event_).total, 11);
}

TEST_F(EngineStory, ASelfieWithoutAFaceIsRefusedAndNothingIsSaved) {
    index();
    const Image nobody({320, 240}, PixelFormat::rgb8);
    const std::vector<ImageView> selfies{nobody.view()};
    EXPECT_THROW(engine_->find_selfie(event_, selfies), Error);
    EXPECT_EQ(engine_->catalog().event(event_).billable_searches, 0);
}

TEST_F(EngineStory, APhotoIsReadFromItsSourceShrunk) {
    index();
    engine_->visit_photos(event_, [&](Engine::PhotoDetails&& details) {
        EXPECT_EQ(engine_->photo_image(details.photo.id, 64).size(), (Size{64, 48})) << details.photo.key;
        EXPECT_FALSE(engine_->photo_bytes(details.photo.id).empty());
    });
}

}  // namespace
}  // namespace eventlens
