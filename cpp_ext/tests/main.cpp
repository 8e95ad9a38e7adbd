// Runs every TEST, or those whose "file name" contains the first argument.
#include <cstring>

#include "test.hpp"

int main(int argc, char** argv) {
    int failed = 0;
    int run = 0;
    for (const auto& test : graphx::test::cases()) {
        const char* slash = std::strrchr(test.file, '/');
        const std::string title = std::string(slash ? slash + 1 : test.file) + ": " + test.name;
        if (argc > 1 && title.find(argv[1]) == std::string::npos) continue;
        ++run;
        try {
            test.body();
            std::printf("ok      %s\n", title.c_str());
        } catch (const std::exception& error) {
            ++failed;
            std::printf("FAILED  %s\n        %s\n", title.c_str(), error.what());
        }
        std::fflush(stdout);
    }
    std::printf("%d C++ tests, %d failed\n", run, failed);
    return failed == 0 && run > 0 ? 0 : 1;
}
