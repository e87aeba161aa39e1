/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <iothreads> and <iothreadids>: threads of QEMU that serve disks and controllers. They keep the numbers of
 * the XML, because disks and <cputune> refer to them: iothread1 is number 1.
 */

#include "guest/processor/iothread.h"

#include "guest/guest.h"
#include "guest/part.h"

static const Field thread_fields[] = {
        FIELD_IN_RANGE("@id", Iothread, id, 1, UINT32_MAX),
        FIELD_IN_RANGE("@thread_pool_min", Iothread, pool_min, 0, INT64_MAX),
        FIELD_IN_RANGE("@thread_pool_max", Iothread, pool_max, 0, INT64_MAX),
        FIELD_IN_RANGE("poll@max", Iothread, poll_max, 0, INT64_MAX),
        FIELD_IN_RANGE("poll@grow", Iothread, poll_grow, 0, INT64_MAX),
        FIELD_IN_RANGE("poll@shrink", Iothread, poll_shrink, 0, INT64_MAX),
        {},
};

static const Field guest_fields[] = {
        FIELD_IN_RANGE("iothreads", Iothreads, count, 0, IOTHREADS_MAX),
        FIELD_IN_RANGE("defaultiothread@thread_pool_min", Iothreads, main.pool_min, 0, INT64_MAX),
        FIELD_IN_RANGE("defaultiothread@thread_pool_max", Iothreads, main.pool_max, 0, INT64_MAX),
        {},
};

/* Those of <iothreadids>, and as many more as <iothreads> may ask for. */
static size_t count_at_most(const Iothreads *t, XmlElement *ids)
{
        size_t n = t->count.value;

        if (ids)
                for (const XmlElement *e = ids->first; e; e = e->next)
                        n++;
        return n > IOTHREADS_MAX ? IOTHREADS_MAX : n;
}

static void iothreads_read(Guest *g)
{
        Iothreads *t = guest_own(g, iothreads);
        Iothread *items;
        XmlElement *ids;
        size_t n;

        fields_read(g->xml, guest_fields, t, g->findings);
        ids = xml_child(g->xml, "iothreadids");
        n = count_at_most(t, ids);
        t->items = items = n > 0 ? guest_zeroed(g, n, sizeof(*items)) : NULL;
        if (!ids || !items)
                return;
        XML_FOREACH(e, ids, "iothread") {
                if (t->n == IOTHREADS_MAX) {
                        guest_error(g, e->place, "<iothread>: at most %d are supported", IOTHREADS_MAX);
                        return;
                }
                items[t->n].place = e->place;
                fields_read(e, thread_fields, &items[t->n++], g->findings);
        }
}

bool iothread_exists(const Guest *g, uint64_t id)
{
        for (unsigned i = 0; i < g->iothreads->n; i++)
                if (g->iothreads->items[i].id.value == id)
                        return true;
        return false;
}

static void iothreads_complete(Guest *g)
{
        Iothreads *t = guest_own(g, iothreads);
        Iothread *items = (Iothread *) t->items;
        uint64_t free_id = 1;

        while (items && t->n < t->count.value) {
                while (iothread_exists(g, free_id))
                        free_id++;
                items[t->n++] = (Iothread){ .id = { free_id, true } };
        }
}

static void check_pool(const Guest *g, Place at, const char *what, const Iothread *t)
{
        if (t->pool_min.set && t->pool_max.set && t->pool_min.value > t->pool_max.value)
                guest_error(g, at, "<%s>: thread_pool_min must be at most thread_pool_max", what);
        if (t->pool_max.set && t->pool_max.value == 0)
                guest_error(g, at, "<%s>: thread_pool_max must be at least 1", what);
}

static void iothreads_check(const Guest *g)
{
        const Iothreads *t = g->iothreads;

        check_pool(g, g->xml->place, "defaultiothread", &t->main);
        for (unsigned i = 0; i < t->n; i++) {
                const Iothread *thread = &t->items[i];

                if (!thread->id.set)
                        guest_error(g, thread->place, "<iothread>: id='…' is missing");
                check_pool(g, thread->place, "iothread", thread);
                for (unsigned j = 0; j < i; j++)
                        if (thread->id.set && t->items[j].id.value == thread->id.value)
                                guest_error(
                                        g, thread->place, "<iothread>: duplicate id='%llu'",
                                        (unsigned long long) thread->id.value);
        }
}

static void iothreads_build(const Guest *g, Plan *p)
{
        const Iothreads *t = g->iothreads;

        for (unsigned i = 0; i < t->n; i++) {
                const Iothread *thread = &t->items[i];
                Props object = props_new("qom-type", "iothread");

                props_textf(&object, "id", "iothread%llu", (unsigned long long) thread->id.value);
                props_number_if(&object, "thread-pool-min", thread->pool_min);
                props_number_if(&object, "thread-pool-max", thread->pool_max);
                props_number_if(&object, "poll-max-ns", thread->poll_max);
                props_number_if(&object, "poll-grow", thread->poll_grow);
                props_number_if(&object, "poll-shrink", thread->poll_shrink);
                plan_json(p, "-object", &object);
        }
        if (t->main.pool_min.set || t->main.pool_max.set) {
                Props object = props_new("qom-type", "main-loop");

                props_text(&object, "id", "main-loop");
                props_number_if(&object, "thread-pool-min", t->main.pool_min);
                props_number_if(&object, "thread-pool-max", t->main.pool_max);
                plan_json(p, "-object", &object);
        }
}

typedef struct Mapping {
        Number id;
} Mapping;

static const Field mapping_fields[] = {
        FIELD_IN_RANGE("@id", Mapping, id, 1, UINT32_MAX),
        {},
};

void iothread_mapping_check(const Guest *g, XmlElement *e, uint64_t queues)
{
        unsigned with_queues = 0, n = 0;

        if (!e)
                return;
        XML_FOREACH(thread, e, "iothread") {
                Mapping m = { 0 };
                bool has_queue = false;

                fields_read(thread, mapping_fields, &m, g->findings);
                if (!m.id.set)
                        guest_error(g, thread->place, "<iothread>: id='…' is missing");
                else if (!iothread_exists(g, m.id.value))
                        guest_error(
                                g, thread->place,
                                "<iothread>: iothread %llu does not exist; define it with <iothreads> in "
                                "<domain>",
                                (unsigned long long) m.id.value);
                XML_FOREACH(queue, thread, "queue") {
                        Mapping q = { 0 };

                        fields_read(
                                queue, (const Field[]){ FIELD("@id", FIELD_NUMBER, Mapping, id), {} }, &q,
                                g->findings);
                        if (!q.id.set || (queues > 0 && q.id.value >= queues))
                                guest_error(
                                        g, queue->place, "<queue>: id must be below the number of queues");
                        has_queue = true;
                }
                with_queues += has_queue;
                n++;
        }
        if (n == 0)
                guest_error(g, e->place, "<iothreads>: at least one <iothread> is required");
        else if (with_queues > 0 && with_queues < n)
                guest_error(
                        g, e->place, "<iothreads>: either every <iothread> must have a <queue>, or none");
        else if (with_queues > 0 && queues == 0)
                guest_error(g, e->place, "<iothreads>: <queue> requires <driver queues='…'>");
}

void iothread_mapping_props(XmlElement *e, Props *p)
{
        json_t *mapping = e ? props_array(p, "iothread-vq-mapping") : NULL;

        if (!mapping)
                return;
        XML_FOREACH(thread, e, "iothread") {
                json_t *item = json_object(), *queues = NULL;

                json_object_set_new(
                        item, "iothread", json_sprintf("iothread%s", xml_attribute(thread, "id")));
                XML_FOREACH(queue, thread, "queue") {
                        uint64_t id = 0;

                        if (!queues) {
                                queues = json_array();
                                json_object_set_new(item, "vqs", queues);
                        }
                        (void) text_to_u64(xml_attribute(queue, "id"), UINT32_MAX, &id);
                        json_array_append_new(queues, json_integer((json_int_t) id));
                }
                json_array_append_new(mapping, item);
        }
}

const GuestPart part_iothreads = {
        GUEST_PART(Iothreads, iothreads), .read = iothreads_read,   .complete = iothreads_complete,
        .check = iothreads_check,         .build = iothreads_build,
};
