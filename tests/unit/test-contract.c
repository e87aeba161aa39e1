/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The contract between generator and launcher: every command line that the golden cases lead to is read by
 * the launcher's own readers. A key that only the generator knows, or a value that only the generator
 * accepts, fails here and not at the start of a guest.
 */

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#include "contract/arguments.h"
#include "contract/fd-name.h"
#include "contract/limits.h"
#include "contract/line/colon.h"
#include "contract/options.h"
#include "contract/rights.h"
#include "contract/words.h"
#include "generator/unit/commands.h"
#include "generator/unit/drop-in-helper.h"
#include "generator/unit/drop-in.h"
#include "guest/machine/general.h"
#include "guest/plan/plan.h"
#include "launcher/helper/helper.h"
#include "launcher/monitor/command.h"
#include "launcher/prepare/prepare.h"
#include "launcher/run/run-options.h"
#include "launcher/tpm/tpm-state.h"
#include "tests/unit/test.h"

/* argv as main() gets it, without the program: argv[0] is the verb's name. Ends by NULL. */
static char **verb_argv(Strings *line, int *ret_argc)
{
        *ret_argc = (int) line->count - 1;
        CHECK(strings_add(line, "") >= 0);
        free(line->items[--line->count]);
        line->items[line->count] = NULL;
        return line->items + 1;
}

static void fail(const char *stem, const Strings *line)
{
        fprintf(stderr, "%s: the launcher does not accept what the generator wrote:\n", stem);
        for (size_t i = 0; i < line->count; i++)
                fprintf(stderr, "        %s\n", line->items[i]);
        abort();
}

/* The words that begin with "--OPTION=", one after the other, are what the launcher read, written again. */
static void check_written(const char *stem, const Strings *line, size_t *at, const char *option, char *text)
{
        _cleanup_(freep) char *owned = text;
        const char *value = NULL;

        CHECK(owned);
        while (!value && *at < line->count) {
                const char *word = text_after(line->items[(*at)++], "--");
                const char *rest = word ? text_after(word, option) : NULL;

                value = rest ? text_after(rest, "=") : NULL;
        }
        if (!value || !streq(value, owned)) {
                fprintf(stderr, "%s: --%s=%s was written, and --%s=%s after reading it:\n", stem, option,
                        value ?: "(nothing)", option, owned);
                abort();
        }
}

static void check_one(const char *stem, const Strings *line, const char *option, char *text)
{
        size_t at = 0;

        check_written(stem, line, &at, option, text);
}

static void check_each(const char *stem, const Strings *line, const char *option, const Strings *values)
{
        size_t at = 0;

        for (size_t i = 0; i < values->count; i++)
                check_written(stem, line, &at, option, strdup(values->items[i]));
}

static void check_taps(const char *stem, const Strings *line, const Plan *p, const TapList *taps)
{
        size_t at = 0;

        CHECK_NUMBER(taps->count, p->n_taps);
        for (size_t i = 0; i < p->n_taps; i++) {
                const TapRequest *q = &taps->items[i];
                const TapRequest *t = &p->taps[i];

                check_written(stem, line, &at, OPTION_TAP, tap_request_write(q));
                CHECK_TEXT(q->id, t->id);
                CHECK(streq_null(q->interface, t->interface) && streq_null(q->bridge, t->bridge));
                CHECK(streq_null(q->lower, t->lower) && q->mode == t->mode);
                CHECK(memcmp(q->mac, t->mac, sizeof(q->mac)) == 0);
                CHECK_NUMBER(q->queues, t->queues);
                CHECK_NUMBER(q->mtu, t->mtu);
                CHECK_NUMBER(q->vhost, t->vhost);
                CHECK(q->down == t->down && q->unmanaged == t->unmanaged);
                CHECK(q->broker == t->broker && q->isolated == t->isolated);
                CHECK(q->native == t->native && q->native_tagged == (t->native && t->native_tagged));
                CHECK(q->has_trunk == t->has_trunk && memcmp(q->trunk, t->trunk, sizeof(q->trunk)) == 0);
                CHECK(memcmp(&q->inbound, &t->inbound, sizeof(q->inbound)) == 0 || !t->inbound.average);
                CHECK(memcmp(&q->outbound, &t->outbound, sizeof(q->outbound)) == 0 || !t->outbound.average);
        }
}

static void check_devices(const char *stem, const Strings *line, const DeviceRequests *d)
{
        size_t usb = 0, pci = 0, mdev = 0, scsi = 0;

        for (size_t i = 0; i < d->n_usb; i++)
                check_written(stem, line, &usb, OPTION_USB, usb_request_write(&d->usb[i]));
        for (size_t i = 0; i < d->n_pci; i++)
                check_written(stem, line, &pci, OPTION_PCI, pci_request_write(&d->pci[i]));
        for (size_t i = 0; i < d->n_mdev; i++)
                check_written(stem, line, &mdev, OPTION_MDEV, mdev_request_write(&d->mdev[i]));
        for (size_t i = 0; i < d->n_scsi; i++)
                check_written(stem, line, &scsi, OPTION_SCSI, scsi_request_write(&d->scsi[i]));
}

static void check_fds(const char *stem, const Strings *line, const char *option, const NumberedList *list)
{
        size_t at = 0;

        for (size_t i = 0; i < list->count; i++)
                check_written(
                        stem, line, &at, option,
                        fd_value_write(list->items[i].name, (unsigned) list->items[i].number));
}

static void check_grants(const char *stem, const Strings *line, const Plan *p, const PrepareRequest *request)
{
        size_t grant = 0, device = 0, image = 0, chain = 0;

        CHECK_NUMBER(request->grants.count, p->n_grants);
        for (size_t i = 0; i < p->n_grants; i++) {
                const GrantRequest *q = &request->grants.items[i];

                check_written(
                        stem, line, q->device ? &device : &grant,
                        q->device ? OPTION_GRANT_DEVICE : OPTION_GRANT, grant_value_write(q->mode, q->path));
                CHECK_TEXT(request->grants.items[i].path, p->grants[i].path);
                CHECK_TEXT(access_word(request->grants.items[i].mode), access_word(p->grants[i].access));
                CHECK(request->grants.items[i].device == p->grants[i].device);
        }
        CHECK_NUMBER(request->images.count, p->n_images);
        for (size_t i = 0; i < p->n_images; i++) {
                const ImageRequest *q = &request->images.items[i];

                check_written(
                        stem, line, &image, OPTION_IMAGE,
                        image_value_write(q->access, q->direct, q->node, q->path));
                CHECK_TEXT(q->node, p->images[i].node);
                CHECK_TEXT(q->path, p->images[i].path);
                CHECK(q->access == p->images[i].access && q->direct == p->images[i].direct);
        }
        CHECK_NUMBER(request->chains.count, p->n_chains);
        for (size_t i = 0; i < p->n_chains; i++) {
                const ChainRequest *q = &request->chains.items[i];

                check_written(
                        stem, line, &chain, OPTION_CHAIN, chain_value_write(q->node, q->format, q->path));
                CHECK_TEXT(request->chains.items[i].node, p->chains[i].node);
                CHECK_TEXT(request->chains.items[i].format, p->chains[i].format);
                CHECK_TEXT(request->chains.items[i].path, p->chains[i].path);
        }
}

/* The unit allows what the helper keeps, no more and no less; but if the policy allows it, also what giving
 * back requires. */
static void check_rights(const char *stem, const Conversion *c, const PrepareRequest *request)
{
        _cleanup_(freep) char *rights = NULL, *line = NULL, *text = NULL;
        const char *found;
        Capabilities keeps;
        size_t size;

        CHECK(setenv("STATE_DIRECTORY", c->state_directory, 1) == 0); /* as the drop-in does */
        keeps = prepare_capabilities(request);
        if (keeps & CAPABILITY(CAP_DAC_READ_SEARCH) && c->settings.policy->switches[POLICY_CHOWN].allowed)
                keeps |= CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_FOWNER);
        rights = rights_text(keeps);

        CHECK(helper_service_text(c, "vm", "/vm.xml", &text, &size) >= 0);
        line = text_format("CapabilityBoundingSet=%s\n", rights);
        found = strstr(text, "CapabilityBoundingSet=");
        if (!found != (c->settings.user_scope || !*rights) || (found && !text_after(found, line)))
                CHECK_TEXT(stem, found ?: "no CapabilityBoundingSet=");
}

static void check_prepared(
        const char *stem, const Conversion *c, const char *name, const char *path, const Strings *line,
        int argc, char **argv)
{
        const Plan *p = &c->plan;
        PrepareRequest request;
        size_t source = 0, claim = 0;

        if (prepare_request_read(argc, argv, &request) < 0)
                fail(stem, line);
        CHECK_TEXT(request.guest, name);
        CHECK_TEXT(request.source_path, path);
        CHECK(request.source_hash == c->hash);
        check_written(
                stem, line, &source, OPTION_SOURCE,
                source_value_write(request.source_path, request.source_hash));
        CHECK(streq_null(request.nvram, p->nvram));
        CHECK_NUMBER(request.claims.count, p->n_claims);
        for (size_t i = 0; i < p->n_claims; i++) {
                check_written(stem, line, &claim, OPTION_CLAIM, claim_value_write(&request.claims.items[i]));
                CHECK(claim_same(&request.claims.items[i], &p->claims[i].claim));
        }
        CHECK(streq_null(request.nvram_template, p->nvram_template));
        CHECK_NUMBER(request.max_guests, c->settings.policy->max_guests.max);
        check_one(stem, line, OPTION_GUEST, strdup(request.guest));
        check_each(stem, line, OPTION_IMAGE_DIRECTORY, &request.image_directories);
        check_each(stem, line, OPTION_LINK, &request.links);
        check_each(stem, line, OPTION_LOG_FILE, &request.log_files);
        if (request.nvram)
                check_one(stem, line, OPTION_NVRAM, strdup(request.nvram));
        if (request.nvram_template)
                check_one(stem, line, OPTION_NVRAM_TEMPLATE, strdup(request.nvram_template));
        check_taps(stem, line, p, &request.taps);
        check_devices(stem, line, &request.devices);
        check_grants(stem, line, p, &request);
        check_rights(stem, c, &request);
        CHECK_NUMBER(
                request.devices.n_usb + request.devices.n_pci + request.devices.n_mdev +
                        request.devices.n_scsi + request.links.count + request.log_files.count,
                p->prepare.count);
        prepare_request_done(&request);
}

static void check_serve(const char *stem, const Conversion *c, const char *name, const char *path)
{
        Strings line = { 0 };
        ServeOptions o;
        char **argv;
        int argc;

        CHECK(command_serve(c, name, path, &line) >= 0);
        argv = verb_argv(&line, &argc);
        if (serve_options_read(argc, argv, &o) < 0)
                fail(stem, &line);
        check_one(stem, &line, OPTION_GUEST, strdup(o.guest));
        check_one(stem, &line, OPTION_UUID, strdup(o.uuid));
        check_one(stem, &line, OPTION_DEFINITION, strdup(o.definition));
        CHECK_TEXT(o.guest, name);
        CHECK_TEXT(o.uuid, c->guest->general->uuid);
        check_prepared(stem, c, name, path, &line, o.prepare_argc, o.prepare_argv);
        strings_done(&line);
}

static void check_life(const char *stem, const Strings *line, const LifecycleOptions *life)
{
        size_t disk = 0, affinity = 0, scheduler = 0;

        for (size_t i = 0; i < life->disks.count; i++) {
                const DiskName *d = &life->disks.items[i];

                check_written(stem, line, &disk, OPTION_DISK, disk_value_write(d->node, d->target, d->path));
        }
        check_each(stem, line, OPTION_LINK_DOWN, &life->links_down);
        check_each(stem, line, OPTION_BANDWIDTH, &life->bandwidths);
        for (size_t i = 0; i < life->threads.count; i++) {
                const ThreadRule *rule = &life->threads.items[i];

                check_written(
                        stem, line, rule->cpus ? &affinity : &scheduler,
                        rule->cpus ? OPTION_AFFINITY : OPTION_SCHEDULER, thread_rule_write(rule));
        }
        check_one(stem, line, OPTION_ON_POWEROFF, strdup(fate_word(life->on_poweroff)));
        check_one(stem, line, OPTION_ON_REBOOT, strdup(fate_word(life->on_reboot)));
        check_one(stem, line, OPTION_ON_CRASH, strdup(fate_word(life->on_crash)));
        if (life->balloon > 0)
                check_one(
                        stem, line, OPTION_BALLOON, text_format("%llu", (unsigned long long) life->balloon));
}

/* Each node gets its descriptor, and none is left with a path that the sandbox does not show. */
static void check_images(const Plan *p, const RunOptions *o)
{
        Strings argv = { 0 };

        for (size_t i = 0; o->argv[i]; i++)
                CHECK(strings_add(&argv, o->argv[i]) >= 0);
        for (size_t i = 0; i < p->n_images; i++)
                CHECK_NUMBER(command_set_image(&argv, o->images.items[i], 5, false), 0);
        CHECK_NUMBER(argv.count, p->argv.count + 2 * p->n_images);
        strings_done(&argv);
}

static void check_run(const char *stem, const Conversion *c, const char *name)
{
        const Plan *p = &c->plan;
        Strings line = { 0 };
        size_t passt = 0, argument = 0;
        RunOptions o;
        char **argv;
        int argc;

        CHECK(command_run(c, name, &line) >= 0);
        argv = verb_argv(&line, &argc);
        if (run_options_read(&o, argc, argv) < 0)
                fail(stem, &line);
        CHECK_TEXT(o.guest, name);
        CHECK_TEXT(o.uuid, c->guest->general->uuid);
        CHECK_NUMBER(o.monitor, PLAN_FD_MONITOR);
        check_one(stem, &line, OPTION_GUEST, strdup(o.guest));
        check_one(stem, &line, OPTION_UUID, strdup(o.uuid));
        check_one(stem, &line, OPTION_MONITOR, text_format("%d", o.monitor));
        check_one(stem, &line, OPTION_HELPER, strdup(o.helper));
        check_one(stem, &line, OPTION_DEFINITION, strdup(o.definition));
        if (o.rtc_offset != 0)
                check_one(stem, &line, OPTION_RTC_OFFSET, text_format("%lld", (long long) o.rtc_offset));
        CHECK_NUMBER(o.consoles.count, p->n_consoles);
        CHECK_NUMBER(o.fds.count + o.try_fds.count, p->n_stored);
        check_fds(stem, &line, OPTION_CONSOLE, &o.consoles);
        check_fds(stem, &line, OPTION_FD, &o.fds);
        check_fds(stem, &line, OPTION_TRY_FD, &o.try_fds);
        CHECK_NUMBER(o.passts.count, p->n_passts);
        for (size_t i = 0; i < o.passts.count; i++)
                check_written(stem, &line, &passt, OPTION_PASST, passt_request_write(&o.passts.items[i]));
        for (size_t i = 0; i < o.argument_paths.count; i++)
                check_written(
                        stem, &line, &argument, OPTION_ARGUMENT_PATH,
                        argument_path_write(o.argument_paths.items[i].line, o.argument_paths.items[i].path));
        check_life(stem, &line, &o.life);
        CHECK_NUMBER(o.images.count, p->n_images);
        check_each(stem, &line, OPTION_IMAGE, &o.images);
        check_images(p, &o);
        CHECK_NUMBER(o.chains.count, p->n_chains);
        check_each(stem, &line, OPTION_CHAIN, &o.chains);
        CHECK_TEXT(o.helper, c->settings.helper_socket);
        for (size_t i = 0; i < p->argv.count; i++)
                CHECK_TEXT(o.argv[i], p->argv.items[i]);
        CHECK(!o.argv[p->argv.count]);
        run_options_done(&o);
        strings_done(&line);
}

static void check_tpm(const char *stem, const Conversion *c, const char *name)
{
        const PlanTpm *tpm = &c->plan.tpm;
        Strings line = { 0 };
        TpmState t;
        char **argv;
        int argc;

        if (!tpm->version)
                return;
        CHECK(command_tpm(c, name, &line) >= 0);
        argv = verb_argv(&line, &argc);
        if (tpm_options_read(&t, argc, argv) < 0)
                fail(stem, &line);
        CHECK_TEXT(t.guest, name);
        CHECK_TEXT(t.uuid, c->guest->general->uuid);
        CHECK_TEXT(t.version, tpm->version);
        CHECK_TEXT(t.pcr_banks ?: "", tpm->pcr_banks ?: "");
        CHECK_TEXT(t.profile ?: "", tpm->profile ?: "");
        CHECK_TEXT(t.profile_remove ?: "", tpm->profile_remove ?: "");
        CHECK_TEXT(t.key ?: "", tpm->credential ?: "");
        CHECK_NUMBER(t.log_level, tpm->log_level);
        CHECK_TEXT(t.directory ?: t.file ?: "", tpm->state_path ?: "");
        CHECK(!t.directory == !(tpm->state_type && streq(tpm->state_type, "dir")));
        strings_done(&line);
}

static bool check_case(const char *stem, bool by_descriptor)
{
        _cleanup_(freep) char *xml = text_format("%s.xml", stem), *path = text_format("/x/%s.xml", stem);
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c;
        const char *name;

        CHECK(host_read(&host, "root", text_after(stem, "user-")) >= 0);
        host.policy.disks_by_descriptor = by_descriptor;
        CHECK(conversion_start(&c, &host) >= 0);
        if (conversion_file(&c, xml, NULL) < 0)
                return false;
        name = c.guest->general->name;
        check_serve(stem, &c, name, path);
        check_run(stem, &c, name);
        check_tpm(stem, &c, name);
        return true;
}

static void test_fd_names(void)
{
        _cleanup_(freep) char *tap = fd_name_tap("net0", 1), *vhost = fd_name_vhost("net0", 1);
        _cleanup_(freep) char *copy = fd_name_copy(5, 7), *storage = fd_name_copy_storage(900000000),
                              *node = fd_name_copy_format(900000000);
        _cleanup_(freep) char *image = fd_name_image("disk0"), *chain = fd_name_chain("disk0", 3, "qcow2"),
                              *prefix = fd_name_chain_prefix("disk0");
        const char *format;
        unsigned depth;

        CHECK_TEXT(tap, "tap.net0.1");
        CHECK_TEXT(vhost, "vhost.net0.1");
        CHECK_TEXT(image, "image.disk0");
        CHECK_TEXT(chain, "chain.disk0.3.qcow2");
        CHECK_TEXT(copy, "copy.5.7");
        CHECK(fd_name_is_copy(copy) && !fd_name_is_copy(image));
        /* QEMU's names have at most 31 characters */
        CHECK(strlen(storage) <= 31 && strlen(node) <= 31);
        CHECK(fd_name_is_tap(tap) && !fd_name_is_tap(vhost));
        CHECK(fd_name_is_of_one_start(vhost) && fd_name_is_of_one_start(image) &&
              fd_name_is_of_one_start(chain) && !fd_name_is_of_one_start(tap));
        CHECK(text_after(chain, prefix));
        CHECK(fd_name_read_chain(chain, prefix, &depth, &format) >= 0);
        CHECK_NUMBER(depth, 3);
        CHECK_TEXT(format, "qcow2");
        CHECK(fd_name_read_chain("chain.disk0.0.raw", prefix, &depth, &format) < 0);
        CHECK(fd_name_read_chain("chain.disk0.65.raw", prefix, &depth, &format) < 0);
        CHECK(fd_name_read_chain("chain.disk0.1", prefix, &depth, &format) < 0);
}

static void test_words(void)
{
        for (Access a = 0; a < ACCESS_MODES; a++) {
                Access back;

                CHECK(access_from_word(access_word(a), &back) >= 0 && back == a);
        }
        for (Fate f = 0; f < FATES; f++) {
                Fate back;

                CHECK(fate_from_word(fate_word(f), &back) >= 0 && back == f);
        }
        for (MacvtapMode m = MACVTAP_PRIVATE; m <= MACVTAP_PASSTHROUGH; m <<= 1) {
                MacvtapMode back;

                CHECK(macvtap_mode_from_word(macvtap_mode_word(m), &back) >= 0 && back == m);
        }
        for (VhostMode v = 0; v < VHOST_MODES; v++) {
                VhostMode back;

                CHECK(vhost_mode_from_word(vhost_mode_word(v), &back) >= 0 && back == v);
        }
}

/* The other direction: what no table has is refused, so a key that only one side knows fails above. */
static void test_unknown_keys(void)
{
        DeviceRequests devices = { 0 };
        TapList taps = { 0 };
        PasstList passts = { 0 };

        CHECK(passt_list_read("id=n,fd=76,use=try,search=x", &passts) == -EINVAL);
        CHECK_NUMBER(passts.count, 0);
        passt_list_done(&passts);
        CHECK(tap_request_read("id=net0,ifname=vm0,queue=2", &taps) == -EINVAL);
        CHECK(tap_request_read("id=net0,ifname=vm0,queues=2", &taps) >= 0);
        tap_list_done(&taps);
        CHECK(device_request_usb("id=usb0,vendor=1234,product=5678,speed=1", &devices) == -EINVAL);
        CHECK(device_request_pci("address=0000:01:00.0,managed=yes,group=1", &devices) == -EINVAL);
        CHECK(device_request_mdev("uuid=53764d0e-85a0-42b4-af5c-2046b460b1dc,type=x", &devices) == -EINVAL);
        CHECK(device_request_scsi("id=s0,host=2,bus=0,target=1,unit=3,access=ro,lun=1", &devices) ==
              -EINVAL);
        CHECK_NUMBER(devices.n_usb + devices.n_pci + devices.n_mdev + devices.n_scsi, 0);
        device_requests_done(&devices);
}

/* Each verb has a table of its own and refuses the options of the others. */
static void test_unknown_options(void)
{
        char guest[] = "--" OPTION_GUEST "=vm",
             uuid[] = "--" OPTION_UUID "=53764d0e-85a0-42b4-af5c-2046b460b1dc";
        char monitor[] = "--" OPTION_MONITOR "=10", tap[] = "--" OPTION_TAP "=id=n,ifname=vm0",
             qemu[] = "/q";
        char fd[] = "--" OPTION_FD "=tap.n.0:11", verb[] = "verb", end[] = "--";
        char definition[] = "--" OPTION_DEFINITION "=0123";
        char *run[] = { verb, guest, uuid, monitor, end, qemu, NULL };
        char *bad_run[] = { verb, guest, uuid, monitor, tap, end, qemu, NULL };
        char *prepare[] = { verb, guest, tap, NULL }, *bad_prepare[] = { verb, guest, tap, fd, NULL };
        char *serve[] = { verb, guest, uuid, definition, end, guest, NULL };
        char *bad_serve[] = { verb, guest, uuid, definition, tap, end, guest, NULL };
        PrepareRequest p;
        RunOptions o;
        ServeOptions s;

        CHECK_NUMBER(run_options_read(&o, 6, run), 0);
        run_options_done(&o);
        CHECK_NUMBER(run_options_read(&o, 7, bad_run), -EINVAL);
        CHECK_NUMBER(prepare_request_read(3, prepare, &p), 0);
        prepare_request_done(&p);
        CHECK_NUMBER(prepare_request_read(4, bad_prepare, &p), -EINVAL);
        prepare_request_done(&p);
        CHECK_NUMBER(serve_options_read(6, serve, &s), 0);
        CHECK_NUMBER(serve_options_read(7, bad_serve, &s), -EINVAL);
}

int main(int argc, char **argv)
{
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        unsigned cases = 0;

        test_words();
        test_fd_names();
        test_unknown_keys();
        test_unknown_options();
        CHECK(argc == 2 && chdir(argv[1]) >= 0);
        CHECK(setenv("HOME", "/home/user", 1) == 0 && setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1) == 0);
        CHECK(setenv("XDG_STATE_HOME", "/home/user/xdg", 1) == 0 &&
              setenv("XDG_CONFIG_HOME", "/home/user/xdg", 1) == 0);
        dir = opendir(".");
        CHECK(dir);
        while ((entry = readdir(dir)))
                if (text_ends_with(entry->d_name, ".xml")) {
                        _cleanup_(freep) char *stem = strndup(entry->d_name, strlen(entry->d_name) - 4);

                        cases += check_case(stem, false) && check_case(stem, true);
                }
        printf("%u cases\n", cases);
        CHECK(cases > 50);
        return EXIT_SUCCESS;
}
