/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "contract/fd-name.h"
#include "launcher/reload/layers.h"
#include "tests/unit/test.h"
#include "util/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32
#define ARGS(...)     ((const char *[]){ __VA_ARGS__, NULL })

#define STORAGE(name, path) "{\"driver\":\"file\",\"filename\":\"" path "\",\"node-name\":\"" name "\"}"
#define OVER(name, file, backing) \
        "{\"driver\":\"qcow2\",\"node-name\":\"" name "\",\"file\":\"" file "\",\"backing\":\"" backing "\"}"
#define DISK(drive) "{\"driver\":\"virtio-blk-pci\",\"id\":\"disk0\",\"drive\":\"" drive "\"}"

/* A disk with one image, with another over it, and with two. */
#define ONE                                                                                          \
        ARGS("--image=a-storage", "--", "/qemu", "-blockdev", STORAGE("a-storage", "/a"), "-device", \
             DISK("a-storage"))
#define ONE_MOVED                                                                                    \
        ARGS("--image=a-storage", "--", "/qemu", "-blockdev", STORAGE("a-storage", "/x"), "-device", \
             DISK("a-storage"))
#define TWO                                                                                    \
        ARGS("--image=a-storage", "--image=b-storage", "--", "/qemu", "-blockdev",             \
             STORAGE("a-storage", "/a"), "-blockdev", STORAGE("b-storage", "/b"), "-blockdev", \
             OVER("b-format", "b-storage", "a-storage"), "-device", DISK("b-format"))
#define THREE                                                                                           \
        ARGS("--image=a-storage", "--image=b-storage", "--image=c-storage", "--", "/qemu", "-blockdev", \
             STORAGE("a-storage", "/a"), "-blockdev", STORAGE("b-storage", "/b"), "-blockdev",          \
             OVER("b-format", "b-storage", "a-storage"), "-blockdev", STORAGE("c-storage", "/c"),       \
             "-blockdev", OVER("c-format", "c-storage", "b-format"), "-device", DISK("c-format"))
/* The third over the first. */
#define SHORT                                                                                  \
        ARGS("--image=a-storage", "--image=c-storage", "--", "/qemu", "-blockdev",             \
             STORAGE("a-storage", "/a"), "-blockdev", STORAGE("c-storage", "/c"), "-blockdev", \
             OVER("c-format", "c-storage", "a-storage"), "-device", DISK("c-format"))

/* The third alone. */
#define ALONE                                                                                             \
        ARGS("--image=c-storage", "--", "/qemu", "-blockdev", STORAGE("c-storage", "/c"), "-blockdev",    \
             "{\"driver\":\"qcow2\",\"node-name\":\"c-format\",\"file\":\"c-storage\",\"backing\":null}", \
             "-device", DISK("c-format"))

#define RENAMED                                                                                           \
        ARGS("--image=d-storage", "--", "/qemu", "-blockdev", STORAGE("d-storage", "/c"), "-blockdev",    \
             "{\"driver\":\"qcow2\",\"node-name\":\"d-format\",\"file\":\"d-storage\",\"backing\":null}", \
             "-device", DISK("d-format"))

static char directory[] = "/tmp/test-layers.XXXXXX";

typedef struct Side {
        char *argv[ARGUMENTS_MAX];
        RunOptions options;
        CommandLine line;
        Fds fds;
} Side;

/* files: names of files for the images of the command line, in the order of its options. */
static void read_side(const char *const *words, const char *files, Side *side)
{
        static const char *const first[] = { "run", "--guest=one",
                                             "--uuid=7e0c8f5a-3d5f-4c35-9d0a-2f1c5b7a9e10", "--monitor=10" };
        char **argv = side->argv;
        int argc = 0;

        for (size_t i = 0; i < ELEMENTS(first); i++)
                argv[argc++] = (char *) first[i];
        for (; *words; words++)
                argv[argc++] = (char *) *words;
        argv[argc] = NULL;
        CHECK_NUMBER(run_options_read(&side->options, argc, argv), 0);
        CHECK_NUMBER(command_line_read(&side->options, side->options.argv, &side->line), 0);
        CHECK_NUMBER(side->options.images.count, strlen(files));
        for (size_t i = 0; i < side->options.images.count; i++) {
                _cleanup_(freep) char *path = text_format("%s/%c", directory, files[i]);
                _cleanup_(freep) char *name = text_format("image.%s", side->options.images.items[i]);
                int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

                CHECK(fd >= 0 && name);
                CHECK_NUMBER(fds_put(&side->fds, name, fd), 0);
        }
}

static void side_done(Side *side)
{
        command_line_done(&side->line);
        run_options_done(&side->options);
        fds_done(&side->fds);
}

/* An fd set that is called as the file of that letter. */
static json_t *make_sets(char file)
{
        _cleanup_(freep) char *path = text_format("%s/%c", directory, file), *name = NULL;
        _cleanup_(closep) int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
        FileId id = file_id_of(fd);

        name = fd_name_copy(id.device, id.inode);
        CHECK(fd >= 0 && name);
        return json_pack(
                "[{s:i, s:[{s:i}]}, {s:i, s:[{s:i, s:s}]}]", "fdset-id", 1, "fds", "fd", 10, "fdset-id", 700,
                "fds", "fd", 11, "opaque", name);
}

/* What becomes of the disk; jobs: JSON, for changes that need one; QEMU has a set with the file x.
 * ret_gone: how many images are removed. */
static ChangeKind change(
        const char *const *was, const char *files, const char *const *is, const char *new_files,
        const char *jobs, LayerKind *ret_kind, size_t *ret_gone)
{
        Side a = { 0 }, b = { 0 };
        const DifferenceHost host = { .network = true, .peers = true };
        MachineParts parts = { &b.options, &b.line, &b.fds };
        json_t *list = json_loads(jobs, 0, NULL), *sets = make_sets('x');
        LayerChanges changes;
        Images images = { 0 };
        ChangeKind kind;
        Difference d;
        Machine m;

        read_side(was, files, &a);
        read_side(is, new_files, &b);
        CHECK_NUMBER(images_note(&images, &a.fds), 0);
        CHECK_NUMBER(machine_begin(&a.options, a.options.argv, &images, NULL, &m), 0);
        CHECK_NUMBER(difference_of(&m.line, &b.line, &b.options, &host, &d), 0);
        CHECK_NUMBER(layers_find(&(LayerContext){ &m, &parts, &d }, &changes), 0);
        if (layers_need_jobs(&changes))
                layers_check_jobs(&(LayerContext){ &m, &parts, &d }, &changes, list, sets);
        kind = difference_find(&d, "-device", "disk0")->kind;
        CHECK_NUMBER(changes.count, kind == CHANGE_LAYERS);
        if (changes.count > 0 && changes.items[0].kind == LAYER_MOVED)
                CHECK_NUMBER(changes.items[0].set, 700);
        *ret_kind = changes.count > 0 ? changes.items[0].kind : LAYER_ADDED;
        *ret_gone = changes.count > 0 ? changes.items[0].gone.count : 0;
        layer_changes_done(&changes);
        difference_done(&d);
        machine_done(&m);
        images_done(&images);
        json_decref(list);
        json_decref(sets);
        side_done(&a);
        side_done(&b);
        return kind;
}

/* Whether the machine has the file of that letter where the descriptor belongs. */
static bool has(const Machine *m, const char *name, char file)
{
        _cleanup_(freep) char *path = text_format("%s/%c", directory, file);
        _cleanup_(closep) int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

        CHECK(fd >= 0);
        return machine_has_image(m, name, file_id_of(fd));
}

static void add_image(Images *images, const char *name, char file)
{
        _cleanup_(freep) char *path = text_format("%s/%c", directory, file);
        _cleanup_(fds_donep) Fds fds = { 0 };
        int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

        CHECK(fd >= 0);
        CHECK_NUMBER(fds_put(&fds, name, fd), 0);
        CHECK_NUMBER(images_note(images, &fds), 0);
}

static bool has_image(const char *name, FileId file, const void *machine)
{
        return machine_has_image(machine, name, file);
}

static bool knows_image(const char *name, const void *machine)
{
        return machine_knows_image(machine, name);
}

/* A disk with the image b, behind which the launcher found the image a. */
static void check_chain(void)
{
        const char *const *own =
                ARGS("--image=b-storage", "--", "/qemu", "-blockdev", STORAGE("b-storage", "/b"),
                     "-blockdev", "{\"driver\":\"qcow2\",\"node-name\":\"b.1\",\"file\":\"b-storage\"}",
                     "-device", DISK("b.1"));
        const char *const *actual = ARGS(
                "/qemu", "-blockdev", STORAGE("a-storage", "/dev/fdset/1"), "-blockdev",
                "{\"driver\":\"raw\",\"node-name\":\"a-format\",\"file\":\"a-storage\"}", "-blockdev",
                STORAGE("b-storage", "/dev/fdset/2"), "-blockdev", OVER("b.1", "b-storage", "a-format"));
        Images images = { 0 };
        Side side = { 0 }, new = { 0 };
        Machine m;

        read_side(own, "b", &side);
        CHECK_NUMBER(images_note(&images, &side.fds), 0);
        add_image(&images, "chain.b.1.1.raw", 'a');
        CHECK_NUMBER(machine_begin(&side.options, (char *const *) actual, &images, NULL, &m), 0);

        CHECK(has(&m, "image.b-storage", 'b'));
        CHECK(!has(&m, "image.b-storage", 'a'));
        CHECK(!has(&m, "image.a-storage", 'a'));
        CHECK(has(&m, "chain.b.1.1.raw", 'a'));
        CHECK(!has(&m, "chain.b.1.1.raw", 'b'));
        CHECK(!has(&m, "chain.b.1.2.raw", 'a'));
        CHECK(!has(&m, "chain.b.1.raw", 'a'));

        /* what a change brought that waits for a restart */
        read_side(own, "x", &new);
        CHECK_NUMBER(images_update(&images, &new.fds, has_image, &m), 0);
        CHECK(has(&m, "image.b-storage", 'b') && images.count == 2);
        CHECK(machine_has_image(&m, "image.b-storage", images_find(&images, "image.b-storage")));
        /* and an image that is behind nothing any more */
        add_image(&images, "chain.b.1.2.raw", 'b');
        CHECK_NUMBER(images_update(&images, &(Fds){ 0 }, has_image, &m), 0);
        CHECK_NUMBER(images.count, 2);
        /* or whose node is gone */
        add_image(&images, "image.gone-storage", 'a');
        add_image(&images, "chain.gone.1.1.raw", 'a');
        images_forget(&images, knows_image, &m);
        CHECK_NUMBER(images.count, 2);
        CHECK(images_find(&images, "image.b-storage").inode != 0);

        machine_done(&m);
        images_done(&images);
        side_done(&side);
        side_done(&new);
}

/* An image that got another one over it is a layer of that one's node, under the name in the command line.
 */
static void check_replaced(void)
{
        Images images = { 0 };
        Side was = { 0 }, is = { 0 };
        Layers layers;
        Machine m, new;

        read_side(TWO, "ab", &was);
        read_side(THREE, "abc", &is);
        CHECK_NUMBER(images_note(&images, &is.fds), 0);
        CHECK_NUMBER(machine_begin(&was.options, was.options.argv, &images, NULL, &m), 0);
        CHECK_NUMBER(machine_begin(&is.options, is.options.argv, &images, NULL, &new), 0);
        CHECK_NUMBER(machine_find_layers(&new, "c-format", &layers), 0);
        machine_set_chain_leaving(&m, "b-format", true);
        CHECK_NUMBER(machine_replace_chain(&m, "b-format", &is.line, "c-format", &layers), 0);
        command_line_done(&m.line);
        m.line = new.line;
        new.line = (CommandLine){ 0 };

        CHECK(has(&m, "image.c-storage", 'c'));
        CHECK(has(&m, "image.b-storage", 'b'));
        CHECK(has(&m, "image.a-storage", 'a'));
        CHECK(!has(&m, "image.a-storage", 'b'));

        layers_done(&layers);
        machine_done(&m);
        machine_done(&new);
        images_done(&images);
        side_done(&was);
        side_done(&is);
}

#define READY   "[{\"id\":\"layers.disk0\",\"status\":\"ready\"}]"
#define RUNNING "[{\"id\":\"layers.disk0\",\"status\":\"running\"}]"
#define COPIED  "[{\"id\":\"copy.disk0\",\"status\":\"ready\"}]"
#define COPYING "[{\"id\":\"copy.disk0\",\"status\":\"running\"}]"
#define OTHER   "[{\"id\":\"layers.disk1\",\"status\":\"ready\"}]"

/* What QEMU has after a move: the nodes that vmctl made, with what a later change needs to know. */
static void check_moved(void)
{
        const DifferenceHost host = { .network = true };
        json_t *list = json_loads(COPIED, 0, NULL), *sets = make_sets('x');
        Side was = { 0 }, is = { 0 };
        MachineParts parts = { &is.options, &is.line, &is.fds };
        Images images = { 0 };
        LayerChanges changes;
        Difference d;
        Layers layers;
        Machine m;
        LayerContext c = { &m, &parts, &d };

        read_side(TWO, "ab", &was);
        read_side(ONE_MOVED, "x", &is);
        CHECK_NUMBER(images_note(&images, &was.fds), 0);
        CHECK_NUMBER(machine_begin(&was.options, was.options.argv, &images, NULL, &m), 0);
        CHECK_NUMBER(difference_of(&m.line, &is.line, &is.options, &host, &d), 0);
        CHECK_NUMBER(layers_find(&c, &changes), 0);
        layers_check_jobs(&c, &changes, list, sets);
        CHECK_NUMBER(layers_settle(&c, &changes), 0);
        layer_changes_done(&changes);
        difference_done(&d);
        command_line_done(&m.line);
        m.line = is.line;
        is.line = (CommandLine){ 0 };

        CHECK_TEXT(machine_node(&m, "a-storage"), "copy700-storage");
        CHECK(has(&m, "image.a-storage", 'x'));
        CHECK_NUMBER(machine_find_layers(&m, "a-storage", &layers), 0);
        CHECK_NUMBER(layers.count, 1);
        CHECK_NUMBER(layers.items[0].set, 700);
        CHECK_TEXT(
                json_string_value(json_object_get(layers.items[0].options, "filename")), "/dev/fdset/700");

        layers_done(&layers);
        machine_done(&m);
        images_done(&images);
        json_decref(list);
        json_decref(sets);
        side_done(&was);
        side_done(&is);
}

int main(void)
{
        LayerKind kind;
        size_t gone;

        CHECK(mkdtemp(directory));

        CHECK_NUMBER(change(ONE, "a", TWO, "ab", "[]", &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(kind, LAYER_ADDED);
        CHECK_NUMBER(gone, 0);
        /* over another file of the same name */
        CHECK_NUMBER(change(ONE, "a", TWO, "xb", "[]", &kind, &gone), CHANGE_RESTART);
        /* two at once */
        CHECK_NUMBER(change(ONE, "a", THREE, "abc", "[]", &kind, &gone), CHANGE_RESTART);

        CHECK_NUMBER(change(THREE, "abc", SHORT, "ac", "[]", &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(kind, LAYER_BELOW);
        CHECK_NUMBER(gone, 1);
        CHECK_NUMBER(change(THREE, "abc", ALONE, "c", "[]", &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(kind, LAYER_BELOW);
        CHECK_NUMBER(gone, 2);
        /* and its nodes have other names */
        CHECK_NUMBER(change(THREE, "abc", RENAMED, "c", "[]", &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(kind, LAYER_BELOW);
        CHECK_NUMBER(gone, 2);
        CHECK_NUMBER(change(THREE, "abc", SHORT, "xc", "[]", &kind, &gone), CHANGE_RESTART);

        CHECK_NUMBER(change(THREE, "abc", ONE, "a", READY, &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(kind, LAYER_RETURN);
        CHECK_NUMBER(gone, 2);
        CHECK_NUMBER(change(THREE, "abc", TWO, "ab", READY, &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(gone, 1);
        /* what was written since is not there yet */
        CHECK_NUMBER(change(THREE, "abc", ONE, "a", RUNNING, &kind, &gone), CHANGE_RESTART);
        CHECK_NUMBER(change(THREE, "abc", ONE, "a", OTHER, &kind, &gone), CHANGE_RESTART);
        CHECK_NUMBER(change(THREE, "abc", ONE, "a", "[]", &kind, &gone), CHANGE_RESTART);

        /* to another image, which has all of it */
        CHECK_NUMBER(change(THREE, "abc", ONE, "x", COPIED, &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(kind, LAYER_MOVED);
        CHECK_NUMBER(gone, 3);
        CHECK_NUMBER(change(ONE, "a", ONE_MOVED, "x", COPIED, &kind, &gone), CHANGE_LAYERS);
        CHECK_NUMBER(kind, LAYER_MOVED);
        CHECK_NUMBER(change(ONE, "a", ONE_MOVED, "x", COPYING, &kind, &gone), CHANGE_RESTART);
        CHECK_NUMBER(change(ONE, "a", ONE_MOVED, "x", READY, &kind, &gone), CHANGE_RESTART);
        /* it is copied to another than the definition names */
        CHECK_NUMBER(change(ONE, "a", ONE_MOVED, "b", COPIED, &kind, &gone), CHANGE_RESTART);
        CHECK_NUMBER(change(ONE, "a", TWO, "xb", COPIED, &kind, &gone), CHANGE_RESTART);

        check_chain();
        check_replaced();
        check_moved();

        for (const char *file = "abcx"; *file; file++) {
                _cleanup_(freep) char *path = text_format("%s/%c", directory, *file);

                CHECK(path);
                (void) unlink(path);
        }
        CHECK_NUMBER(rmdir(directory), 0);
        return 0;
}
