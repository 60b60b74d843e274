#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "bibs/evidence.h"
#include "eventlens/error.h"
#include "eventlens/tracks.h"
#include "tracks/assignment.h"

namespace eventlens {
namespace {

constexpr Calibration telling_apart{20, -10};  // two of one person: +10; two strangers: -10

const TrackOptions by_motion{};  // without embeddings to tell

// Every person's embedding is an axis of its own.
Embedding face_print(int person) {
    Embedding embedding(16);
    embedding[static_cast<std::size_t>(person)] = 1;
    return embedding;
}

Rect face_at(double x, double y, double height = 50) {
    return {static_cast<float>(x - 0.4 * height), static_cast<float>(y - height / 2),
            static_cast<float>(0.8 * height), static_cast<float>(height)};
}

// The read of a bib of a runner whose face is, or would be, at `face`.
BibRead bib_below(const Rect& face, const std::string& text, int place, float confidence = 0.95F) {
    const float x = face.x + face.width / 2;
    const float y = face.y + 3.9F * face.height;
    const float high = 0.45F * face.height;
    const float wide = 0.6F * high * static_cast<float>(text.size());
    BibRead read;
    read.text = text;
    read.confidences.assign(text.size(), confidence);
    read.corners = {Point{x - wide / 2, y - high / 2}, Point{x + wide / 2, y - high / 2},
                    Point{x + wide / 2, y + high / 2}, Point{x - wide / 2, y + high / 2}};
    read.evidence = Evidence{place, 0.9F, true, false}.packed();
    return read;
}

struct Person {
    int name = 0;
    Rect box;
    float quality = 0.8F;
    std::string bib{};
    bool face_hidden = false;
};

// What a camera sees at a time.
using Scene = std::function<std::vector<Person>(double)>;

// Films scenes with a tracker, gives it the embeddings it asks for, and notes who was where.
class Film {
  public:
    explicit Film(const TrackOptions& options = {.calibration = telling_apart},
                  std::span<const Appearance> going_on = {})
        : tracker(options, going_on) {}

    void shoot(double time, const std::vector<Person>& people, bool scene_change = false) {
        std::vector<Face> faces;
        std::vector<int> names;
        std::vector<BibRead> reads;
        for (const Person& person : people) {
            if (!person.face_hidden) {
                Face face;
                face.box = person.box;
                face.quality = person.quality;
                faces.push_back(face);
                names.push_back(person.name);
            }
            if (!person.bib.empty()) {
                reads.push_back(bib_below(person.box, person.bib, static_cast<int>(reads.size())));
            }
        }
        for (const int face : tracker.observe({time, 0, faces, reads, scene_change})) {
            ++embeddings;
            tracker.embedded(face, face_print(names.at(static_cast<std::size_t>(face))));
        }
        for (Appearance& appearance : tracker.take_ended()) appearances.push_back(std::move(appearance));
    }

    void shoot(double from, double to, double step, const Scene& scene) {
        for (double time = from; time < to - 1e-9; time += step) shoot(time, scene(time));
    }

    const std::vector<Appearance>& finish(double time) {
        for (Appearance& appearance : tracker.finish(time)) appearances.push_back(std::move(appearance));
        return appearances;
    }

    Tracker tracker;
    std::vector<Appearance> appearances;
    int embeddings = 0;
};

// Whom an appearance shows, by its embedding: -1 when it is a mixture or none.
int name_of(const Appearance& appearance) {
    if (!appearance.face) return -1;
    for (std::size_t i = 0; i < appearance.face->embedding.size(); ++i) {
        if (appearance.face->embedding[i] > 0.999F) return static_cast<int>(i);
    }
    return -1;
}

std::map<int, int> appearances_by_name(const std::vector<Appearance>& appearances) {
    std::map<int, int> counts;
    for (const Appearance& appearance : appearances) ++counts[name_of(appearance)];
    return counts;
}

TEST(Tracker, FollowsARunnerWhoMovesByMoreThanAFaceBetweenFrames) {
    Film film;
    film.shoot(0, 3, 0.25, [](double t) { return std::vector<Person>{{1, face_at(100 + 400 * t, 100)}}; });
    const auto& seen = film.finish(3);  // 100 pixels, two faces, a frame
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].sightings, 12);
    EXPECT_EQ(seen[0].path.front().box, face_at(100, 100));
    EXPECT_EQ(seen[0].path.back().box, face_at(100 + 400 * 2.75, 100));
}

TEST(Tracker, KeepsCrossingRunnersApartByTheirMotion) {
    Film film(by_motion);
    film.shoot(0, 4, 0.25, [](double t) {
        return std::vector<Person>{{1, face_at(100 + 150 * t, 100)}, {2, face_at(700 - 150 * t, 105)}};
    });
    const auto& seen = film.finish(4);
    ASSERT_EQ(seen.size(), 2U);
    for (const Appearance& appearance : seen) {
        EXPECT_EQ(appearance.sightings, 16);
        const bool from_left = appearance.path.front().box.x < 400;
        EXPECT_EQ(appearance.path.back().box.x > 400, from_left);
    }
}

// Each one stands where the next one stood a frame before: the nearest is the wrong one.
TEST(Tracker, KeepsAFileOfRunnersApart) {
    Film film(by_motion);
    film.shoot(0, 2, 0.25, [](double t) {
        std::vector<Person> people;
        for (int i = 0; i < 5; ++i) people.push_back({i, face_at(100 + 100 * i + 400 * t, 100)});
        return people;
    });
    const auto& seen = film.finish(2);
    ASSERT_EQ(seen.size(), 5U);
    for (const Appearance& appearance : seen) {
        EXPECT_NEAR(appearance.path.back().box.x - appearance.path.front().box.x, 400 * 1.75, 1);
    }
}

TEST(Tracker, KeepsTwoSimilarFacesSideBySideApart) {
    Film film(by_motion);
    std::mt19937 random(5);
    std::normal_distribution<double> tremble(0, 2);
    film.shoot(0, 10, 0.25, [&](double) {
        return std::vector<Person>{{1, face_at(300 + tremble(random), 100 + tremble(random))},
                                   {2, face_at(360 + tremble(random), 100 + tremble(random))}};
    });
    const auto& seen = film.finish(10);
    ASSERT_EQ(seen.size(), 2U);
    for (const Appearance& appearance : seen) {
        for (const Waypoint& point : appearance.path) {
            EXPECT_NEAR(point.box.x, appearance.path.front().box.x, 20);
        }
    }
}

TEST(Tracker, GoesOnAfterAShortLossAndNotAfterALongOne) {
    const auto hidden_until = [](double back) {
        Film film(by_motion);
        film.shoot(0, 6, 0.25, [&](double t) {
            return t >= 2 && t < back ? std::vector<Person>{} : std::vector<Person>{{1, face_at(300, 100)}};
        });
        return film.finish(6).size();
    };
    EXPECT_EQ(hidden_until(2.5), 1U);
    EXPECT_EQ(hidden_until(3.75), 2U);
}

TEST(Tracker, FindsARunnerBehindAPostWhereTheirSpeedTookThem) {
    Film film(by_motion);
    film.shoot(0, 4, 0.25, [](double t) {
        std::vector<Person> people{{2, face_at(700, 100)}};  // a bystander close to where the runner is lost
        if (t < 1.5 || t > 2.2) people.push_back({1, face_at(100 + 300 * t, 100)});
        return people;
    });
    const auto& seen = film.finish(4);
    ASSERT_EQ(seen.size(), 2U);
    const auto runner = std::find_if(seen.begin(), seen.end(),
                                     [](const Appearance& a) { return a.path.front().box.x < 200; });
    ASSERT_NE(runner, seen.end());
    EXPECT_GT(runner->path.back().box.x, 1000);
}

TEST(Tracker, AppearancesReachHalfAStepBeyondTheirSightings) {
    Film film(by_motion);
    for (const double t : {0.0, 1.0, 1.5, 2.0, 2.25, 2.75}) {
        film.shoot(
            t, t >= 1.5 && t <= 2.25 ? std::vector<Person>{{1, face_at(300, 100)}} : std::vector<Person>{});
    }
    const auto& seen = film.finish(3);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].span, (TimeSpan{1.25, 2.5}));
    EXPECT_TRUE(seen[0].goes_on);  // lost less than a second ago
}

// The true moments lie anywhere between two frames: the middle is off by a quarter of the step in the median.
TEST(Tracker, StartsAndEndsAreRightWithinHalfAStepAndAQuarterInTheMedian) {
    std::mt19937 random(9);
    std::uniform_real_distribution<double> anywhere(0, 1);
    std::vector<double> errors;
    for (int i = 0; i < 200; ++i) {
        const double enter = 2 + anywhere(random);
        const double leave = 5 + anywhere(random);
        Film film(by_motion);
        film.shoot(0, 8, 0.25, [&](double t) {
            return t < enter || t >= leave ? std::vector<Person>{} : std::vector<Person>{{1, face_at(9, 9)}};
        });
        const auto& seen = film.finish(8);
        ASSERT_EQ(seen.size(), 1U);
        errors.push_back(std::abs(seen[0].span.start - enter));
        errors.push_back(std::abs(seen[0].span.end - leave));
    }
    std::sort(errors.begin(), errors.end());
    EXPECT_LT(errors[errors.size() / 2], 0.075);
    EXPECT_LE(errors.back(), 0.125 + 1e-9);
}

TEST(Tracker, ACutEndsEverybody) {
    Film film(by_motion);
    film.shoot(0, {{1, face_at(300, 100)}});
    film.shoot(0.5, {{1, face_at(300, 100)}});
    film.shoot(1, {{2, face_at(300, 100)}}, true);
    ASSERT_EQ(film.appearances.size(), 1U);
    EXPECT_EQ(film.appearances[0].span, (TimeSpan{0, 0.75}));
    EXPECT_FALSE(film.appearances[0].goes_on);
    const auto& seen = film.finish(1.5);
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1].span, (TimeSpan{0.75, 1.5}));
}

TEST(Tracker, FollowsFramesOneSecondApart) {
    Film film(by_motion);
    film.shoot(0, 20, 1.001, [](double t) { return std::vector<Person>{{1, face_at(300 + 60 * t, 100)}}; });
    EXPECT_EQ(film.finish(20).size(), 1U);
}

TEST(Tracker, FollowsIrregularFrames) {
    Film film(by_motion);
    double t = 0;
    for (const double step : {0.25, 0.25, 1.0, 0.1, 0.04, 0.5, 0.9, 0.25, 0.033, 1.0}) {
        film.shoot(t, {{1, face_at(300 + 120 * t, 100)}, {2, face_at(900 - 60 * t, 180)}});
        t += step;
    }
    const auto& seen = film.finish(t);
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].sightings, 10);
    EXPECT_EQ(seen[1].sightings, 10);
}

TEST(Tracker, ADetectionThatFailsEveryOtherFrameBreaksNothing) {
    Film film(by_motion);
    int frame = 0;
    film.shoot(0, 6, 0.25, [&](double t) {
        return frame++ % 3 == 1 ? std::vector<Person>{}
                                : std::vector<Person>{{1, face_at(100 + 200 * t, 100)}};
    });
    EXPECT_EQ(film.finish(6).size(), 1U);
}

TEST(Tracker, WhatIsSeenOnceIsAnAppearanceWithItsEmbedding) {
    Film film;
    film.shoot(0, 1, 0.25, [](double) { return std::vector<Person>{}; });
    film.shoot(1, {{3, face_at(300, 100), 0.3F}});
    film.shoot(1.25, 4, 0.25, [](double) { return std::vector<Person>{}; });
    ASSERT_EQ(film.appearances.size(), 1U);
    EXPECT_EQ(film.appearances[0].sightings, 1);
    EXPECT_EQ(film.appearances[0].faces_embedded, 1);
    EXPECT_EQ(name_of(film.appearances[0]), 3);
    EXPECT_EQ(film.appearances[0].span, (TimeSpan{0.875, 1.125}));
}

TEST(Tracker, AHopelessFaceIsKeptWithoutAnEmbedding) {
    Film film;
    film.shoot(0, {{1, face_at(300, 100), 0.02F}});
    const auto& seen = film.finish(1);
    EXPECT_EQ(film.embeddings, 0);
    ASSERT_TRUE(seen.at(0).face.has_value());
    EXPECT_TRUE(seen[0].face->embedding.empty());
}

TEST(Tracker, AsksForFewEmbeddingsOfASteadyFace) {
    Film film;
    std::mt19937 random(2);
    std::normal_distribution<float> tremble(0, 0.03F);
    film.shoot(0, 10, 0.25, [&](double) {
        return std::vector<Person>{{1, face_at(300, 100), 0.7F + tremble(random)}};
    });
    const auto& seen = film.finish(10);
    EXPECT_GE(film.embeddings, 5);
    EXPECT_LE(film.embeddings, 8);
    EXPECT_EQ(seen.at(0).faces_embedded, 5);
}

TEST(Tracker, KeepsTheBestLooksAtAFaceThatComesNearer) {
    Film film;
    film.shoot(0, 10, 0.25, [&](double t) {
        return std::vector<Person>{{1, face_at(300, 100, 20 + 8 * t), static_cast<float>(0.1 + 0.08 * t)}};
    });
    const auto& seen = film.finish(10);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_GT(seen[0].face_time, 8.5);
    EXPECT_GT(seen[0].face->quality, 0.8F);
    EXPECT_LE(film.embeddings, 16);
}

TEST(Tracker, WeighsLooksByTheirQuality) {
    Tracker tracker({.embeddings = 2});
    Face face;
    face.box = face_at(300, 100);
    face.quality = 0.3F;
    ASSERT_EQ(tracker.observe({0, 0, std::span(&face, 1), {}}).size(), 1U);
    tracker.embedded(0, {1, 0});
    face.quality = 0.9F;
    ASSERT_EQ(tracker.observe({0.25, 0, std::span(&face, 1), {}}).size(), 1U);
    tracker.embedded(0, {0, 1});
    const auto seen = tracker.finish(0.5);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_NEAR(seen[0].face->embedding[0], 1 / std::sqrt(10), 1e-5);
    EXPECT_NEAR(seen[0].face->embedding[1], 3 / std::sqrt(10), 1e-5);
    EXPECT_EQ(seen[0].face_time, 0.25);
}

// One steps out as another steps in, close by: motion sees one person, embeddings two.
TEST(Tracker, EmbeddingsPartTwoWhoMotionTakesForOne) {
    const Scene relay = [](double t) {
        return t < 2 ? std::vector<Person>{{1, face_at(300, 100)}}
                     : std::vector<Person>{{2, face_at(345, 105), 0.8F}};
    };
    Film film;
    film.shoot(0, 4, 0.25, relay);
    EXPECT_EQ(appearances_by_name(film.finish(4)), (std::map<int, int>{{1, 1}, {2, 1}}));
    Film without(by_motion);
    without.shoot(0, 4, 0.25, relay);
    EXPECT_EQ(without.finish(4).size(), 1U);
}

// They turn back at the moment they meet, which a steady motion does not foresee.
TEST(Tracker, EmbeddingsChangeBackTwoWhoWereMistakenForEachOther) {
    Film film;
    film.shoot(0, 4, 0.25, [](double t) {
        const double away = 10 + 100 * std::abs(t - 2);
        return std::vector<Person>{{1, face_at(400 - away, 100)}, {2, face_at(400 + away, 100)}};
    });
    const auto& seen = film.finish(4);
    EXPECT_EQ(appearances_by_name(seen), (std::map<int, int>{{1, 1}, {2, 1}}));
    for (const Appearance& appearance : seen) {
        const bool left = name_of(appearance) == 1;
        EXPECT_EQ(appearance.path.front().box.x < 380, left);
        EXPECT_EQ(appearance.path.back().box.x < 380, left);
    }
}

TEST(Tracker, ReadsGoToTheFaceAboveThem) {
    Film film;
    film.shoot(0, 2, 0.25, [](double t) {
        return std::vector<Person>{{1, face_at(200 + 40 * t, 100), 0.8F, "1234"},
                                   {2, face_at(330 + 40 * t, 110), 0.8F, "87"}};
    });
    const auto& seen = film.finish(2);
    ASSERT_EQ(seen.size(), 2U);
    for (const Appearance& appearance : seen) {
        ASSERT_EQ(appearance.bib_reads.size(), 8U);
        for (const TimedRead& read : appearance.bib_reads) {
            EXPECT_EQ(read.read.text, name_of(appearance) == 1 ? "1234" : "87");
        }
    }
}

TEST(Tracker, ABibWithoutAFaceIsAnAppearance) {
    Film film;
    film.shoot(0, 3, 0.25, [](double t) {
        Person runner{1, face_at(200 + 200 * t, 100), 0.8F, t < 1.4 || t > 1.6 ? "1234" : "1284"};
        runner.face_hidden = true;
        return std::vector<Person>{runner};
    });
    const auto& seen = film.finish(3);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_FALSE(seen[0].face.has_value());
    EXPECT_EQ(seen[0].sightings, 12);
    EXPECT_EQ(seen[0].bib_reads.size(), 12U);
}

TEST(Tracker, ABannerIsNoAppearance) {
    Film film;
    film.shoot(0, 1, 0.25, [](double) {
        Person banner{1, face_at(200, 100), 0.8F, "FINISH"};
        banner.face_hidden = true;
        return std::vector<Person>{banner};
    });
    EXPECT_TRUE(film.finish(1).empty());
}

TEST(Tracker, ABibSeenBeforeItsFaceIsTheSameAppearance) {
    Film film;
    film.shoot(0, 4, 0.25, [](double t) {
        Person runner{1, face_at(200 + 60 * t, 100), 0.8F, "1234"};
        runner.face_hidden = t < 1.9 || t > 3.1;
        return std::vector<Person>{runner};
    });
    const auto& seen = film.finish(4);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].sightings, 16);
    EXPECT_EQ(seen[0].span, (TimeSpan{0, 4}));
    EXPECT_EQ(name_of(seen[0]), 1);
}

TEST(Tracker, AHiddenRunnersBibDoesNotGoToTheFaceBesideIt) {
    Film film;
    film.shoot(0, 4, 0.25, [](double t) {
        std::vector<Person> people{{1, face_at(200, 100), 0.8F, "1234"}};
        people.push_back({2, face_at(262, 150), 0.8F, "777"});
        people[1].face_hidden = t > 1;
        return people;
    });
    for (const Appearance& appearance : film.finish(4)) {
        std::set<std::string> texts;
        for (const TimedRead& read : appearance.bib_reads) texts.insert(read.read.text);
        EXPECT_EQ(texts.size(), 1U);
    }
    EXPECT_EQ(film.appearances.size(), 2U);
}

TEST(Tracker, KeepsTheMostTellingReads) {
    Film film({.frames_with_reads = 4});
    film.shoot(0, 60, 0.25, [](double t) {
        const bool clear = std::fmod(t + 0.01, 15) < 0.1;  // four frames of 240
        return std::vector<Person>{{1, face_at(200, 100), 0.8F, clear ? "1234" : "12"}};
    });
    const auto& seen = film.finish(60);
    ASSERT_EQ(seen.size(), 1U);
    ASSERT_EQ(seen[0].bib_reads.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(seen[0].bib_reads[i].read.text, "1234");
        EXPECT_NEAR(seen[0].bib_reads[i].time, 15.0 * static_cast<double>(i), 0.3);
    }
}

TEST(Tracker, AnHourInViewTakesNoMoreThanSomeMinutes) {
    Film film;
    film.shoot(0, 3600, 0.25, [](double t) {
        return std::vector<Person>{{1, face_at(500 + 300 * std::sin(t / 3), 100), 0.7F, "1234"}};
    });
    const auto& seen = film.finish(3600);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].span, (TimeSpan{0, 3600}));
    EXPECT_EQ(seen[0].sightings, 14400);
    EXPECT_LE(seen[0].path.size(), 512U);
    EXPECT_EQ(seen[0].path.front().time, 0);
    EXPECT_EQ(seen[0].path.back().time, 3599.75);
    EXPECT_LE(seen[0].bib_reads.size(), 12U);
    EXPECT_LE(film.embeddings, 20);
    for (std::size_t i = 1; i < seen[0].path.size(); ++i) {
        EXPECT_LT(seen[0].path[i].time - seen[0].path[i - 1].time, 20);
    }
}

// Interrupted after 3 of 6 seconds and resumed, the pieces add up to what one run sees.
TEST(Tracker, ResumedGoesOnWithThoseInView) {
    const Scene street = [](double t) {
        std::vector<Person> people{{1, face_at(100 + 80 * t, 100), 0.8F, "1234"}};
        if (t < 4.2) people.push_back({2, face_at(700 - 80 * t, 300), 0.8F});
        if (t < 2) people.push_back({3, face_at(1200, 300), 0.8F});
        if (t >= 4) people.push_back({4, face_at(1200, 300), 0.8F});
        return people;
    };
    Film whole;
    whole.shoot(0, 6, 0.25, street);
    whole.finish(6);

    Film first;
    first.shoot(0, 3, 0.25, street);
    std::vector<Appearance> going_on;
    for (const Appearance& appearance : first.finish(3)) {
        if (appearance.goes_on) going_on.push_back(appearance);
    }
    ASSERT_EQ(going_on.size(), 2U);
    Film second({.calibration = telling_apart}, going_on);
    EXPECT_TRUE(second.tracker.anyone());
    second.shoot(3, 6, 0.25, street);
    std::vector<Appearance> joined = first.appearances;
    for (const Appearance& piece : second.finish(6)) {
        if (piece.continues < 0) {
            joined.push_back(piece);
            continue;
        }
        const Appearance& before = going_on.at(static_cast<std::size_t>(piece.continues));
        const auto known = std::find_if(joined.begin(), joined.end(),
                                        [&](const Appearance& a) { return a.path == before.path; });
        ASSERT_NE(known, joined.end());
        EXPECT_EQ(name_of(*known), name_of(piece));
        EXPECT_EQ(known->span.end, piece.span.start);
        known->span.end = piece.span.end;
        known->sightings += piece.sightings;
    }
    ASSERT_EQ(joined.size(), whole.appearances.size());
    for (const Appearance& expected : whole.appearances) {
        const auto found = std::find_if(joined.begin(), joined.end(), [&](const Appearance& appearance) {
            return name_of(appearance) == name_of(expected);
        });
        ASSERT_NE(found, joined.end());
        EXPECT_EQ(found->sightings, expected.sightings);
        EXPECT_NEAR(found->span.start, expected.span.start, 1e-9);
        EXPECT_NEAR(found->span.end, expected.span.end, 1e-9);
    }
}

TEST(Tracker, WhoIsNotFoundAgainLeavesNothing) {
    Film first;
    first.shoot(0, 1, 0.25, [](double) { return std::vector<Person>{{1, face_at(300, 100)}}; });
    const auto going_on = first.finish(1);
    ASSERT_TRUE(going_on.at(0).goes_on);
    Film second(by_motion, going_on);
    second.shoot(1, 4, 0.25, [](double) { return std::vector<Person>{}; });
    EXPECT_FALSE(second.tracker.anyone());
    EXPECT_TRUE(second.finish(4).empty());
}

TEST(Tracker, WhoLeftLongAgoDoesNotGoOn) {
    Film film;
    film.shoot(0, 1, 0.25, [](double) { return std::vector<Person>{{1, face_at(300, 100)}}; });
    film.shoot(1, 4, 0.25, [](double) { return std::vector<Person>{}; });
    EXPECT_FALSE(film.tracker.anyone());
    EXPECT_FALSE(film.finish(4).at(0).goes_on);
}

TEST(Tracker, RefusesWhatItCannotTakeIn) {
    const auto refuses = [](auto call) {
        try {
            call();
            return false;
        } catch (const Error& error) {
            return error.code() == ErrorCode::bad_input;
        }
    };
    Tracker tracker;
    tracker.observe({1, 0, {}, {}});
    EXPECT_TRUE(refuses([&] { tracker.observe({1, 0, {}, {}}); }));
    EXPECT_TRUE(refuses([&] { tracker.observe({0.5, 0, {}, {}}); }));
    EXPECT_TRUE(refuses([&] { tracker.observe({std::numeric_limits<double>::quiet_NaN(), 0, {}, {}}); }));
    EXPECT_TRUE(refuses([&] { tracker.embedded(0, {1}); }));
    EXPECT_TRUE(refuses([&] { tracker.embedded(-1, {1}); }));
}

// --- Assignment ---

double worth_of(const Worth& worth, const std::vector<int>& columns) {
    double sum = 0;
    for (std::size_t row = 0; row < columns.size(); ++row) {
        if (columns[row] >= 0) sum += worth.at(row, static_cast<std::size_t>(columns[row]));
    }
    return sum;
}

double best_worth(const Worth& worth, std::size_t row, std::vector<char>& taken) {
    if (row == worth.rows()) return 0;
    double best = best_worth(worth, row + 1, taken);
    for (std::size_t column = 0; column < worth.columns(); ++column) {
        if (taken[column] || worth.at(row, column) <= 0) continue;
        taken[column] = 1;
        best = std::max(best, worth.at(row, column) + best_worth(worth, row + 1, taken));
        taken[column] = 0;
    }
    return best;
}

TEST(Assign, IsWorthAsMuchAsAnyPairing) {
    std::mt19937 random(4);
    for (int i = 0; i < 500; ++i) {
        const std::size_t columns = random() % 6;
        Worth worth(random() % 6, columns);
        for (std::size_t row = 0; row < worth.rows(); ++row) {
            for (std::size_t column = 0; column < columns; ++column) {
                worth.at(row, column) = static_cast<double>(random() % 20) - 8;
            }
        }
        const std::vector<int> pairs = assign(worth);
        std::vector<char> taken(columns, 0);
        EXPECT_NEAR(worth_of(worth, pairs), best_worth(worth, 0, taken), 1e-9);
        std::set<int> used;
        for (std::size_t row = 0; row < pairs.size(); ++row) {
            if (pairs[row] < 0) continue;
            EXPECT_TRUE(used.insert(pairs[row]).second);
            EXPECT_GT(worth.at(row, static_cast<std::size_t>(pairs[row])), 0);
        }
    }
}

}  // namespace
}  // namespace eventlens
