#include "bibs/text_map.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace eventlens {

namespace {

constexpr float grow_ratio =
    1.6F;  // how much the shrunk line grows back: its area times this over its perimeter
constexpr float least_side = 3;           // pixels of the map, of the shrunk line
constexpr std::size_t most_lines = 1000;  // a wall of text or noise must not take seconds

// Of the two corners on the left, the upper comes first; likewise on the right.
Corners in_order(std::array<cv::Point2f, 4> points) {
    const auto by_x = [](const cv::Point2f& a, const cv::Point2f& b) { return a.x < b.x; };
    const auto by_y = [](const cv::Point2f& a, const cv::Point2f& b) { return a.y < b.y; };
    std::stable_sort(points.begin(), points.end(), by_x);
    std::stable_sort(points.begin(), points.begin() + 2, by_y);
    std::stable_sort(points.begin() + 2, points.end(), by_y);
    const auto point = [](const cv::Point2f& p) { return Point{p.x, p.y}; };
    return {point(points[0]), point(points[2]), point(points[3]), point(points[1])};
}

std::array<cv::Point2f, 4> corners_of(const cv::RotatedRect& box) {
    std::array<cv::Point2f, 4> points;
    box.points(points.data());
    return points;
}

float mean_inside(const cv::Mat& map, const cv::RotatedRect& box) {
    const cv::Rect area = box.boundingRect() & cv::Rect({0, 0}, map.size());
    if (area.empty()) return 0;
    std::array<cv::Point, 4> points;
    const auto corners = corners_of(box);
    std::transform(corners.begin(), corners.end(), points.begin(), [&](const cv::Point2f& p) {
        return cv::Point(static_cast<int>(p.x) - area.x, static_cast<int>(p.y) - area.y);
    });
    cv::Mat inside = cv::Mat::zeros(area.size(), CV_8UC1);
    cv::fillConvexPoly(inside, points, cv::Scalar(1));
    return static_cast<float>(cv::mean(map(area), inside)[0]);
}

}  // namespace

std::vector<TextBox> boxes_in_map(std::span<const float> map, Size size, float least_score) {
    const cv::Mat likely(size.height, size.width, CV_32FC1, const_cast<float*>(map.data()));  // only read
    cv::Mat patches = likely > static_cast<double>(least_score) - 0.1;
    cv::dilate(patches, patches, cv::Mat::ones(2, 2, CV_8UC1));  // joins digits that a thin gap parts
    std::vector<std::vector<cv::Point>> contours;
    cv::findContours(patches, contours, cv::RETR_LIST, cv::CHAIN_APPROX_SIMPLE);
    if (contours.size() > most_lines) contours.resize(most_lines);

    std::vector<TextBox> boxes;
    for (const auto& contour : contours) {
        cv::RotatedRect box = cv::minAreaRect(contour);
        if (std::min(box.size.width, box.size.height) < least_side) continue;
        const float score = mean_inside(likely, box);
        if (score < least_score) continue;
        const float growth =
            box.size.area() * grow_ratio / (box.size.width + box.size.height);  // of both sides
        box.size.width += growth;
        box.size.height += growth;
        boxes.push_back({in_order(corners_of(box)), score});
    }
    return boxes;
}

}  // namespace eventlens
