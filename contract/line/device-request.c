/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One table for both directions of --usb=, --pci=, --mdev= and --scsi=: the launcher accepts each key that
 * the generator writes, and no other. The readers run with root's privileges on text that an administrator
 * may have changed; so they look at nothing but the text, and each value has limits.
 */

#include "contract/line/device-request.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <stdlib.h>

#include "contract/arguments.h"
#include "contract/limits.h"
#include "contract/words.h"
#include "log/log.h"
#include "util/text.h"

#define LETTERS       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS        "0123456789"
#define WORD_TEXT_MAX 64U
#define PORT_TEXT_MAX 23U /* USB allows seven hubs in a row, with three digits each */
#define USB_MAX       999U

static int read_word(const char *text, size_t max, const char *characters, void *target)
{
        size_t n = strlen(text);

        return n > max || strspn(text, characters) != n ? -EINVAL : argument_text(text, target);
}

static int read_driver(const char *text, void *target)
{
        return read_word(text, WORD_TEXT_MAX, LETTERS DIGITS "_-", target);
}

static int read_port(const char *text, void *target)
{
        return text[0] == '.' ? -EINVAL : read_word(text, PORT_TEXT_MAX, DIGITS ".", target);
}

/* "0000:01:00.0", as the kernel names it. It becomes part of paths, so nothing else may pass. */
static int read_address(const char *text, void *target)
{
        static const char pattern[] = "xxxx:xx:xx.o";

        if (strlen(text) != strlen(pattern))
                return -EINVAL;
        for (size_t i = 0; pattern[i]; i++)
                if (pattern[i] == 'x'   ? !strchr(DIGITS "abcdef", text[i])
                    : pattern[i] == 'o' ? !strchr("01234567", text[i])
                                        : text[i] != pattern[i])
                        return -EINVAL;
        return argument_text(text, target);
}

static int read_hexadecimal(const char *text, void *target)
{
        if (strlen(text) != 4 || strspn(text, DIGITS "abcdef") != 4)
                return -EINVAL;
        *(unsigned *) target = (unsigned) strtoul(text, NULL, 16);
        return 0;
}

static int read_usb_number(const char *text, void *target)
{
        unsigned n;
        int r;

        r = text_to_unsigned(text, USB_MAX, &n);
        if (r < 0 || n == 0)
                return r < 0 ? r : -ERANGE;
        *(unsigned *) target = n;
        return 0;
}

static int read_yes_no(const char *text, void *target)
{
        return yes_no_from_word(text, target);
}

static int read_access(const char *text, void *target)
{
        return access_from_word(text, target);
}

static int read_vf_mac(const char *text, void *target)
{
        VfSettings *vf = target;

        vf->has_mac = true;
        return text_to_mac(text, vf->mac);
}

static int read_vf_vlan(const char *text, void *target)
{
        VfSettings *vf = target;

        vf->has_vlan = true;
        vf->vlan.protocol = ETH_P_8021Q;
        return text_to_unsigned(text, VF_VLAN_MAX, &vf->vlan.id);
}

static void write_vendor(FILE *f, const char *key, const void *target)
{
        unsigned vendor = *(const unsigned *) target;

        if (vendor)
                fprintf(f, ",%s=%04x", key, vendor);
}

static void write_product(FILE *f, const char *key, const void *target)
{
        const UsbRequest *q = target;

        if (q->vendor) /* 0 is a product like any other */
                fprintf(f, ",%s=%04x", key, q->product);
}

static void write_yes_no(FILE *f, const char *key, const void *target)
{
        fprintf(f, ",%s=%s", key, yes_no_word(*(const bool *) target));
}

static void write_driver(FILE *f, const char *key, const void *target)
{
        const char *driver = *(const char *const *) target;

        if (driver && !streq(driver, PCI_DRIVER_DEFAULT))
                fprintf(f, ",%s=%s", key, driver);
}

static void write_vf_mac(FILE *f, const char *key, const void *target)
{
        const VfSettings *vf = target;

        if (vf->has_mac)
                fprintf(f, ",%s=%s", key, mac_text(vf->mac).text);
}

static void write_vf_vlan(FILE *f, const char *key, const void *target)
{
        const VfSettings *vf = target;

        if (vf->has_vlan)
                fprintf(f, ",%s=%u", key, vf->vlan.id);
}

static void write_access(FILE *f, const char *key, const void *target)
{
        fprintf(f, ",%s=%s", key, access_word(*(const Access *) target));
}

#define ID           "an id of letters, digits, '.', '_' and '-'"
#define USB(member)  offsetof(UsbRequest, member)
#define PCI(member)  offsetof(PciRequest, member)
#define SCSI(member) offsetof(ScsiRequest, member)
#define MUST         ARGUMENT_REQUIRED

static int read_product(const char *text, void *target)
{
        return read_hexadecimal(text, (char *) target + USB(product));
}

static const Argument usb_arguments[] = {
        { "id", ID, argument_id, USB(id), MUST, argument_write_text },
        { "vendor", "four hexadecimal digits", read_hexadecimal, USB(vendor), 0, write_vendor },
        { "product", "four hexadecimal digits", read_product, 0, 0, write_product },
        { "bus", "a bus number from 1 to 999", read_usb_number, USB(bus), 0, argument_write_unsigned },
        { "device", "a device number from 1 to 999", read_usb_number, USB(device), 0,
          argument_write_unsigned },
        { "port", "numbers separated by dots", read_port, USB(port), 0, argument_write_text },
};

static const Argument pci_arguments[] = {
        { "address", "DOMAIN:BUS:SLOT.FUNCTION", read_address, PCI(address), MUST, argument_write_text },
        { "managed", "yes or no", read_yes_no, PCI(managed), MUST, write_yes_no },
        { "driver", "a driver name", read_driver, PCI(driver), 0, write_driver },
        { "mac", "a MAC address", read_vf_mac, PCI(vf), 0, write_vf_mac },
        { "vlan", "a VLAN number", read_vf_vlan, PCI(vf), 0, write_vf_vlan },
};

static const Argument mdev_arguments[] = {
        { "uuid", "a UUID", argument_uuid, offsetof(MdevRequest, uuid), MUST, argument_write_uuid },
};

static const Argument scsi_arguments[] = {
        { "id", ID, argument_id, SCSI(id), MUST, argument_write_text },
        { "host", "a number", argument_unsigned, SCSI(host), MUST, argument_write_number },
        { "bus", "a number", argument_unsigned, SCSI(bus), MUST, argument_write_number },
        { "target", "a number", argument_unsigned, SCSI(target), MUST, argument_write_number },
        { "unit", "a number", argument_unsigned, SCSI(unit), MUST, argument_write_number },
        { "access", ACCESS_WORDS, read_access, SCSI(access), MUST, write_access },
};

char *usb_request_write(const UsbRequest *q)
{
        return arguments_write_list(usb_arguments, ELEMENTS(usb_arguments), q);
}

char *pci_request_write(const PciRequest *q)
{
        return arguments_write_list(pci_arguments, ELEMENTS(pci_arguments), q);
}

char *mdev_request_write(const MdevRequest *q)
{
        return arguments_write_list(mdev_arguments, ELEMENTS(mdev_arguments), q);
}

char *scsi_request_write(const ScsiRequest *q)
{
        return arguments_write_list(scsi_arguments, ELEMENTS(scsi_arguments), q);
}

/*
 * Reads one request into a list, which it makes room for. The caller increments the count after checking the
 * request.
 */
static int read_request(
        DeviceRequests *requests, const Argument *table, size_t n_rows, void **items, size_t count,
        size_t size, const char *text)
{
        char *owned = NULL, *item;
        void *bigger;
        int r;

        if (count >= HOST_DEVICES_MAX)
                return -ERANGE;
        bigger = reallocarray(*items, count + 1, size);
        if (!bigger)
                return -ENOMEM;
        *items = bigger;
        item = (char *) bigger + count * size;
        memset(item, 0, size);
        r = arguments_read_list(table, n_rows, item, text, &owned);
        if (owned && strings_take(&requests->owned, owned) < 0)
                return -ENOMEM;
        return r;
}

int device_request_usb(const char *text, void *target)
{
        DeviceRequests *d = target;
        const UsbRequest *q;
        int r;

        r = read_request(
                d, usb_arguments, ELEMENTS(usb_arguments), (void **) &d->usb, d->n_usb, sizeof(*d->usb),
                text);
        if (r < 0)
                return r;
        q = &d->usb[d->n_usb];
        if (!q->vendor && !(q->bus && (q->device || q->port))) {
                log_error(
                        "The USB device %s requires vendor= and product=, or bus= and device= or port=.",
                        q->id);
                return -EINVAL;
        }
        for (size_t i = 0; i < d->n_usb; i++)
                if (streq(d->usb[i].id, q->id))
                        return -EINVAL;
        d->n_usb++;
        return 0;
}

int device_request_pci(const char *text, void *target)
{
        DeviceRequests *d = target;
        PciRequest *q;
        int r;

        r = read_request(
                d, pci_arguments, ELEMENTS(pci_arguments), (void **) &d->pci, d->n_pci, sizeof(*d->pci),
                text);
        if (r < 0)
                return r;
        q = &d->pci[d->n_pci];
        if (!q->driver)
                q->driver = PCI_DRIVER_DEFAULT;
        for (size_t i = 0; i < d->n_pci; i++)
                if (streq(d->pci[i].address, q->address))
                        return -EINVAL;
        d->n_pci++;
        return 0;
}

int device_request_mdev(const char *text, void *target)
{
        DeviceRequests *d = target;
        int r;

        r = read_request(
                d, mdev_arguments, ELEMENTS(mdev_arguments), (void **) &d->mdev, d->n_mdev, sizeof(*d->mdev),
                text);
        if (r >= 0)
                d->n_mdev++;
        return r;
}

int device_request_scsi(const char *text, void *target)
{
        DeviceRequests *d = target;
        int r;

        r = read_request(
                d, scsi_arguments, ELEMENTS(scsi_arguments), (void **) &d->scsi, d->n_scsi, sizeof(*d->scsi),
                text);
        if (r < 0)
                return r;
        for (size_t i = 0; i < d->n_scsi; i++)
                if (streq(d->scsi[i].id, d->scsi[d->n_scsi].id))
                        return -EINVAL;
        d->n_scsi++;
        return 0;
}

bool device_requests_want_vf(const DeviceRequests *requests)
{
        for (size_t i = 0; i < requests->n_pci; i++)
                if (requests->pci[i].vf.has_mac || requests->pci[i].vf.has_vlan)
                        return true;
        return false;
}

void device_requests_done(DeviceRequests *requests)
{
        free(requests->usb);
        free(requests->pci);
        free(requests->mdev);
        free(requests->scsi);
        strings_done(&requests->owned);
        *requests = (DeviceRequests){ 0 };
}
