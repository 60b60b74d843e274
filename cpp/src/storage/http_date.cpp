#include "storage/http_date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace eventlens {

namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Moment {
    explicit Moment(std::int64_t at)
        : day(floor<std::chrono::days>(sys_seconds(seconds(at)))),
          date(day),
          time(sys_seconds(seconds(at)) - day) {}

    sys_days day;
    year_month_day date;
    hh_mm_ss<seconds> time;
};

std::string padded(std::int64_t number, std::size_t width) {
    const std::string digits = std::to_string(number);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
}

std::string clock_of(const Moment& moment) {
    return padded(moment.time.hours().count(), 2) + ':' + padded(moment.time.minutes().count(), 2) + ':' +
           padded(moment.time.seconds().count(), 2);
}

std::optional<int> number_in(std::string_view text) {
    int number = 0;
    const auto [end, reason] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (reason != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

std::string http_date(std::int64_t seconds) {
    const Moment at(seconds);
    return std::string(days[weekday(at.day).c_encoding()]) + ", " + padded(unsigned(at.date.day()), 2) + ' ' +
           std::string(months[unsigned(at.date.month()) - 1]) + ' ' + padded(int(at.date.year()), 4) + ' ' +
           clock_of(at) + " GMT";
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    constexpr std::size_t length = std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").size();
    if (text.size() != length) return std::nullopt;
    const auto day_number = number_in(text.substr(5, 2));
    const auto month_name = std::ranges::find(months, text.substr(8, 3));
    const auto year_number = number_in(text.substr(12, 4));
    const auto hour = number_in(text.substr(17, 2));
    const auto minute = number_in(text.substr(20, 2));
    const auto second = number_in(text.substr(23, 2));
    if (!day_number || month_name == months.end() || !year_number || !hour || !minute || !second)
        return std::nullopt;
    const year_month_day date(year(*year_number), month(unsigned(month_name - months.begin()) + 1),
                              day(unsigned(*day_number)));
    if (!date.ok()) return std::nullopt;
    const sys_seconds at = sys_days(date) + hours(*hour) + minutes(*minute) + std::chrono::seconds(*second);
    const std::int64_t since_1970 = at.time_since_epoch().count();
    if (http_date(since_1970) != text) return std::nullopt;  // a wrong weekday, 25 o'clock
    return since_1970;
}

std::string iso_time(std::int64_t seconds) {
    const Moment at(seconds);
    return padded(int(at.date.year()), 4) + '-' + padded(unsigned(at.date.month()), 2) + '-' +
           padded(unsigned(at.date.day()), 2) + 'T' + clock_of(at) + 'Z';
}

}  // namespace eventlens
